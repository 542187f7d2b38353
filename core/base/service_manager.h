// What a service manager is told of this process, by the protocol of sd_notify(3): datagrams to the
// socket that the environment variable NOTIFY_SOCKET names. Without that variable nobody has asked,
// and nothing is sent. No state; [any] thread may call.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb::base {

constexpr std::string_view kServiceReady = "READY=1";
constexpr std::string_view kServiceStopping = "STOPPING=1";

// "RELOADING=1" with the moment at which the reload began; kServiceReady ends it.
std::string ServiceReloading(uint64_t monotonic_ns);

// Sends one message, of lines "NAME=value". kIoError when somebody has asked and cannot be told:
// a unit of Type=notify would wait for READY=1 until its start is given up.
Status NotifyServiceManager(std::string_view message);

}  // namespace nexadb::base
