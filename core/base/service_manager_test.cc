#include "core/base/service_manager.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace nexadb::base {
namespace {

// A service manager's end: a real socket at `name`, a path or @abstract.
class Manager {
 public:
  explicit Manager(const std::string& name) : name_(name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), length), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(socket_);
    if (name_[0] == '/') ::unlink(name_.c_str());
  }
  // What has come, "" when nothing has.
  std::string Next() {
    char text[256];
    const ssize_t size = ::recv(socket_, text, sizeof(text), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

 private:
  const std::string name_;
  const int socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

std::string Name(const std::string& prefix) {
  return prefix + "nexadb-notify-" + std::to_string(::getpid());
}

TEST(ServiceManagerTest, NobodyIsToldWhenNobodyAsked) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(NotifyServiceManager(kServiceReady).ok());
}

TEST(ServiceManagerTest, MessagesArriveInOrderAndWhole) {
  for (const std::string& name : {Name(::testing::TempDir()), Name("@")}) {
    Manager manager(name);
    EXPECT_TRUE(NotifyServiceManager(kServiceReady).ok());
    EXPECT_TRUE(NotifyServiceManager(ServiceReloading(1'234'567)).ok());
    EXPECT_TRUE(NotifyServiceManager(kServiceStopping).ok());
    EXPECT_EQ(manager.Next(), "READY=1");
    EXPECT_EQ(manager.Next(), "RELOADING=1\nMONOTONIC_USEC=1234");
    EXPECT_EQ(manager.Next(), "STOPPING=1");
    EXPECT_EQ(manager.Next(), "");
  }
}

TEST(ServiceManagerTest, ASocketThatCannotBeReachedIsNamed) {
  for (const std::string& name : {std::string("relative"), "/" + std::string(200, 'x'),
                                  Name("/nonexistent/"), Name("@nobody-")}) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    const Status told = NotifyServiceManager(kServiceReady);
    EXPECT_EQ(told.code(), Code::kIoError) << name;
    EXPECT_NE(std::string_view(told.message()).find(name), std::string_view::npos);
  }
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace nexadb::base
