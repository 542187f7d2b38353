#include "plugins/api-rest/page.h"

#include <algorithm>

#include "plugins/api-rest/body_writer.h"
#include "plugins/api-rest/json_object.h"
#include "plugins/api-rest/problem.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

// Rows pinned at a time: enough to make the call's cost vanish.
constexpr size_t kBatch = 128;

constexpr std::string_view kNdjson = "application/x-ndjson";

// Reads documents from the cursor up to the page's limit and writes each with `separator` between.
class PageReader {
 public:
  PageReader(Request& request, DocumentCursor& cursor, const Page& page)
      : request_(request), cursor_(cursor), page_(page) {}

  template <class Write>
  Status Read(Write&& write) {
    BytesView batch[kBatch];
    while (page_.limit == 0 || count_ < page_.limit) {
      const uint64_t left = page_.limit == 0 ? kBatch : page_.limit - count_;
      Result<uint64_t> got = cursor_.Next(Span<BytesView>(batch, std::min<uint64_t>(kBatch, left)));
      if (!got.ok()) return std::move(got).status();
      if (*got == 0) return {};
      for (uint64_t i = 0; i < *got; ++i) {
        ++count_;
        if (Status status = write(bson::Document(batch[i])); !status.ok()) return status;
      }
    }
    return FindNext();
  }

  uint64_t count() const { return count_; }
  const std::string& next_cursor() const { return next_cursor_; }

 private:
  // The page is full. Its token is made before looking whether anything follows, since looking
  // moves the cursor on.
  Status FindNext() {
    Result<Buffer> position = cursor_.Position();
    if (!position.ok()) return std::move(position).status();
    BytesView next[1];
    Result<uint64_t> more = cursor_.Next(Span<BytesView>(next, 1));
    if (!more.ok()) return std::move(more).status();
    if (*more == 0) return {};
    CursorToken token;
    token.fingerprint = page_.fingerprint;
    if (position->empty()) {
      token.kind = CursorKind::kOffset;
      token.payload = CursorToken::NumberPayload(page_.passed + count_);
    } else {
      token.payload = position->text();
    }
    next_cursor_ = request_.api().cursors.Sign(token);
    return {};
  }

  Request& request_;
  DocumentCursor& cursor_;
  const Page& page_;
  uint64_t count_ = 0;
  std::string next_cursor_;
};

void AddNextCursor(JsonObject& object, const std::string& token) {
  if (token.empty()) {
    object.Null("next_cursor");
  } else {
    object.Text("next_cursor", token);
  }
}

Status SendLines(Request& request, DocumentCursor& cursor, const Page& page) {
  BodyWriter writer(request, 200, kNdjson);
  PageReader reader(request, cursor, page);
  Status status = reader.Read([&](bson::Document document) {
    AppendJson(writer.text(), document, page.form);
    writer.text().push_back('\n');
    return writer.Pass();
  });
  if (!status.ok() && !request.begun()) return status;
  JsonObject end;
  end.Bool("ok", status.ok()).Integer("count", static_cast<int64_t>(reader.count()));
  if (status.ok()) {
    AddNextCursor(end, reader.next_cursor());
  } else {
    std::string error;
    AppendErrorItem(error, status, -1);
    end.Raw("error", error);
  }
  writer.text() += JsonObject().Raw("$end", end.Finish()).Finish() + "\n";
  if (!status.ok()) {
    // The line says why; the missing last chunk says that it is so.
    (void)writer.Flush();
    return status;
  }
  return writer.Finish();
}

}  // namespace

Status SendPage(Request& request, DocumentCursor& cursor, const Page& page) {
  if (request.Accepts(kNdjson)) return SendLines(request, cursor, page);
  BodyWriter writer(request, 200, "application/json");
  PageReader reader(request, cursor, page);
  std::string& text = writer.text();
  text += R"({"status":"success","collection":)";
  AppendJsonString(text, page.collection);
  text += ",\"" + std::string(page.member) + "\":[";
  bool first = true;
  Status status = reader.Read([&](bson::Document document) {
    if (!first) writer.text().push_back(',');
    first = false;
    AppendJson(writer.text(), document, page.form);
    return writer.Pass();
  });
  if (!status.ok()) return status;
  JsonObject tail;
  tail.Integer("count", static_cast<int64_t>(reader.count()));
  AddNextCursor(tail, reader.next_cursor());
  if (page.total) tail.Integer("total", *page.total);
  tail.Number("took_ms", request.TookMs());
  writer.text() += "]," + tail.Finish().substr(1);
  return writer.Finish();
}

}  // namespace nexadb::rest
