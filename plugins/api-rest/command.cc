// POST /db/{db}/command: one MongoDB command in, its reply out.
#include "core/document/error.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/json_form.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

// What a server of MongoDB answers to a command that failed as a whole.
std::string FailedReply(const Status& status) {
  const int32_t code = MongoCode(status);
  bson::Builder reply;
  reply.Double("ok", 0).Text("errmsg", status.message());
  reply.Int32("code", code).Text("codeName", MongoCodeName(code));
  if (!status.detail().empty() && bson::Validate(status.detail()) == nullptr) {
    for (const bson::Element& element : bson::Document(status.detail())) {
      const std::string_view name = element.name();
      if (name == "keyPattern" || name == "keyValue" || name == "errInfo" || name == "violations")
        reply.Element(element);
    }
  }
  return reply.Finish();
}

}  // namespace

Status RunCommand(Request& request) {
  Result<JsonMode> form = ReadJsonForm(request.parameters(), JsonMode::kRelaxed);
  if (!form.ok()) return std::move(form).status();
  Result<std::string> command = request.ObjectBody();
  if (!command.ok()) return std::move(command).status();
  Result<Session*> session = request.session(0, Stamps::kOff);
  if (!session.ok()) return std::move(session).status();
  Result<Buffer> reply = request.database().Run(**session, request.capture(0), AsBytes(*command));
  if (!reply.ok()) {
    const std::string failed = FailedReply(reply.status());
    return SendJson(request.exchange(), 200, BsonToJson(bson::Document(AsBytes(failed)), *form));
  }
  return SendJson(request.exchange(), 200, BsonToJson(bson::Document(reply->bytes()), *form));
}

}  // namespace nexadb::rest
