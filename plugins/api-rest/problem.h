// Problems: how a Status becomes an answer, and what error texts share.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "core/document/error.h"
#include "nexadb/http.h"

namespace nexadb::rest {

// " Did you mean 'limit'?" for the candidate nearest to `word`, or nothing when none is near.
std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates);

// The database points into the filter, update or vector that it was given; the client knows only
// the body that it sent. `status` with a pointer into `body`, the request's text, where that is
// found.
Status LocatedInBody(Status status, std::string_view body);

// Answers with application/problem+json, and the headers that the problem's status asks for.
void SendProblem(Exchange& exchange, const Status& status) noexcept;

}  // namespace nexadb::rest
