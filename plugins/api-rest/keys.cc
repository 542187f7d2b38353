// Keys: passed on to the authenticator's KeyAdmin.
#include "core/document/error.h"
#include "nexadb/attributed_key_admin.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/parameters.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

Status SendKey(Request& request, uint16_t status, const Result<Buffer>& key,
               std::initializer_list<HttpHeader> headers = {}) {
  if (!key.ok()) return key.status();
  return SendJson(request.exchange(), status,
                  Success().Members(bson::Document(key->bytes())).Finish(), headers);
}

// Keys as changed by the request's caller, whom the audit log names where the authenticator can.
class Change {
 public:
  Change(Request& request, KeyAdmin& keys)
      : keys_(keys),
        for_(static_cast<AttributedKeyAdmin*>(
            request.api().services.auth->Facet(AttributedKeyAdmin::kInterface))) {
    actor_.id = request.principal()->Id();
    actor_.peer = request.exchange().PeerAddress();
  }
  Result<Buffer> Create(BytesView spec) {
    return for_ != nullptr ? for_->CreateFor(actor_, spec) : keys_.Create(spec);
  }
  Result<Buffer> Update(StringView id, BytesView changes) {
    return for_ != nullptr ? for_->UpdateFor(actor_, id, changes) : keys_.Update(id, changes);
  }
  Status Revoke(StringView id) {
    return for_ != nullptr ? for_->RevokeFor(actor_, id) : keys_.Revoke(id);
  }
  Result<Buffer> Rotate(StringView id, uint64_t grace_ms) {
    return for_ != nullptr ? for_->RotateFor(actor_, id, grace_ms) : keys_.Rotate(id, grace_ms);
  }

 private:
  KeyAdmin& keys_;
  AttributedKeyAdmin* const for_;  // null when nobody would note the caller
  KeyActor actor_;
};

// A secret must not lie in any cache.
constexpr HttpHeader kNoStore{"Cache-Control", "no-store"};

}  // namespace

Status ListKeys(Request& request) {
  Result<KeyAdmin*> keys = request.api().Keys();
  if (!keys.ok()) return std::move(keys).status();
  Result<Buffer> list = (*keys)->List();
  if (!list.ok()) return std::move(list).status();
  const bson::Document entries = bson::Document(list->bytes())["keys"].value().Doc();
  JsonObject out = Success();
  AppendJsonArray(out.Name("keys"), entries, JsonMode::kRest);
  out.Integer("count", static_cast<int64_t>(entries.CountElements()));
  return SendJson(request.exchange(), 200, out.Finish());
}

Status CreateKey(Request& request) {
  Result<KeyAdmin*> keys = request.api().Keys();
  if (!keys.ok()) return std::move(keys).status();
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  return SendKey(request, 201, Change(request, **keys).Create(AsBytes(*body)), {kNoStore});
}

Status GetOwnKey(Request& request) {
  Result<KeyAdmin*> keys = request.api().Keys();
  if (keys.ok()) {
    Result<Buffer> key = (*keys)->Get(request.principal()->Id());
    if (key.ok()) return SendKey(request, 200, key);
  }
  // A caller without a stored key: a developer on the loopback.
  JsonObject out = Success();
  out.Text("id", request.principal()->Id()).Text("name", request.principal()->Name());
  return SendJson(request.exchange(), 200, out.Finish());
}

Status GetKey(Request& request) {
  Result<KeyAdmin*> keys = request.api().Keys();
  if (!keys.ok()) return std::move(keys).status();
  return SendKey(request, 200, (*keys)->Get(request.capture(0)));
}

Status ChangeKey(Request& request) {
  Result<KeyAdmin*> keys = request.api().Keys();
  if (!keys.ok()) return std::move(keys).status();
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  return SendKey(request, 200, Change(request, **keys).Update(request.capture(0), AsBytes(*body)));
}

Status RevokeKey(Request& request) {
  Result<KeyAdmin*> keys = request.api().Keys();
  if (!keys.ok()) return std::move(keys).status();
  if (Status status = Change(request, **keys).Revoke(request.capture(0)); !status.ok())
    return status;
  JsonObject out = Success();
  out.Text("id", request.capture(0)).Text("message", "Key revoked");
  return SendJson(request.exchange(), 200, out.Finish());
}

Status RotateKey(Request& request) {
  Result<KeyAdmin*> keys = request.api().Keys();
  if (!keys.ok()) return std::move(keys).status();
  Result<std::string> body = request.OptionalObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  if (Status known = members.Only({"grace"}); !known.ok()) return known;
  uint64_t grace_ms = 0;
  if (members.Has("grace")) {
    Result<std::string_view> grace = members.Text("grace", "");
    if (!grace.ok()) return std::move(grace).status();
    Result<Parameters> parsed = Parameters::Parse("grace=" + EncodePercent(*grace));
    if (!parsed.ok()) return std::move(parsed).status();
    Result<uint64_t> time = parsed->Duration("grace", 0);
    if (!time.ok()) return std::move(time).status();
    grace_ms = *time;
  }
  return SendKey(request, 200, Change(request, **keys).Rotate(request.capture(0), grace_ms),
                 {kNoStore});
}

}  // namespace nexadb::rest
