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

// Answers with application/problem+json, and the headers that the problem's status asks for.
void SendProblem(Exchange& exchange, const Status& status);

}  // namespace nexadb::rest
