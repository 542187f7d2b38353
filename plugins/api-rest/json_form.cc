#include "plugins/api-rest/json_form.h"

#include "core/document/error.h"

namespace nexadb::rest {

Result<JsonMode> ReadJsonForm(const Parameters& parameters, JsonMode absent) {
  const auto form = parameters.Get("ejson");
  if (!form) return absent;
  if (*form == "canonical") return JsonMode::kCanonical;
  if (*form == "relaxed") return JsonMode::kRelaxed;
  return MakeError(ErrorId::kInvalidParameter, "The parameter 'ejson' takes relaxed or canonical.");
}

}  // namespace nexadb::rest
