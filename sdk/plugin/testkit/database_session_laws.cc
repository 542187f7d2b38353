// Laws of sessions: who may do what, transactions, time limits.
#include "database_laws.h"

namespace nexadb::testkit {
namespace {

std::string SetN(int64_t n) { return bson::Builder().Int64("n", n).Finish(); }

void ASessionNeedsACaller(LawBench& bench) {
  DatabaseBench db(bench);
  EXPECT_EQ(db.database().OpenSession({}).status().code(), Code::kPermissionDenied);
}

void WhatIsNotAllowedIsDeniedAndDoesNothing(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("open", {Numbered(1, 1)});
  db.Store("secret", {Numbered(1, 1)});
  LawPrincipal reader([](Action action, std::string_view, std::string_view name) {
    return action == Action::kRead && name == "open";
  });
  auto session = db.NewSession(&reader);
  EXPECT_EQ(Must(db.Find(*session, "open")).size(), 1u);
  auto denied = [](const Status& status) { return status.code() == Code::kPermissionDenied; };
  EXPECT_TRUE(denied(db.Find(*session, "secret").status()));
  EXPECT_TRUE(denied(db.Get(*session, "secret", 1).status()));
  EXPECT_TRUE(denied(db.Get(*session, "secret", 2).status())) << "absence is told to nobody";
  EXPECT_TRUE(denied(db.Insert(*session, "open", {Numbered(2, 2)}).status()));
  EXPECT_TRUE(denied(db.Update(*session, "open", 1, SetN(2)).status()));
  EXPECT_TRUE(denied(db.Delete(*session, "open", 1)));
  EXPECT_TRUE(denied(db.Run(*session, "drop", "open").status()));
  bson::Builder pipeline;  // joins reach other collections
  pipeline.OpenArray("pipeline").OpenObject("0").OpenObject("$lookup").Text("from", "secret");
  pipeline.Text("localField", "n").Text("foreignField", "n").Text("as", "x");
  pipeline.Close().Close().Close().OpenObject("cursor").Close();
  EXPECT_TRUE(denied(db.Run(*session, "aggregate", "open", pipeline.Finish()).status()));
  EXPECT_EQ(db.All("open"), std::vector<std::string>{Numbered(1, 1)});
  EXPECT_EQ(db.All("secret").size(), 1u);
}

void ARevokedCallerMayNothing(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {Numbered(1, 1)});
  LawPrincipal caller;
  auto session = db.NewSession(&caller);
  EXPECT_EQ(Must(db.Find(*session, "c")).size(), 1u);
  caller.Revoke();
  EXPECT_FALSE(db.Find(*session, "c").ok());
  EXPECT_FALSE(db.Insert(*session, "c", {Numbered(2, 2)}).ok());
  EXPECT_EQ(db.All("c").size(), 1u);
}

void ATransactionIsAllOrNothing(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("a", {Numbered(1, 1)});
  auto session = db.NewSession();
  for (const bool commit : {false, true}) {
    Must(session->Begin(TransactionIsolation::kSnapshot));
    EXPECT_TRUE(session->InTransaction());
    EXPECT_EQ(session->Begin(TransactionIsolation::kSnapshot).code(), Code::kConflict);
    Must(db.Insert(*session, "b", {Numbered(5, 5)}).status());
    Must(db.Update(*session, "a", 1, SetN(2)).status());
    EXPECT_EQ(Must(db.Get(*session, "a", 1)).document.text(), Numbered(1, 2)) << "its own writes";
    EXPECT_EQ(Must(db.Find(*session, "b")).size(), 1u);
    EXPECT_EQ(Must(db.Get(db.session(), "a", 1)).document.text(), Numbered(1, 1)) << "of others";
    EXPECT_TRUE(db.All("b").empty());
    Must(commit ? session->Commit() : session->Rollback());
    EXPECT_FALSE(session->InTransaction());
    EXPECT_EQ(db.All("b").size(), commit ? 1u : 0u);
    EXPECT_EQ(Must(db.Get(db.session(), "a", 1)).document.text(), Numbered(1, commit ? 2 : 1));
  }
  Must(session->Rollback());
}

void AReleasedSessionRollsBack(LawBench& bench) {
  DatabaseBench db(bench);
  auto session = db.NewSession();
  Must(session->Begin(TransactionIsolation::kSnapshot));
  Must(db.Insert(*session, "c", {Numbered(1, 1)}).status());
  session.Reset();
  EXPECT_TRUE(db.All("c").empty());
  db.Store("c", {Numbered(1, 2)});
}

// The outcome of a call and of the commit after it: a conflict may be told at either.
Status Ended(Session& session, const Status& call) {
  if (call.ok()) return session.Commit();
  Must(session.Rollback());
  return call;
}

void NoUpdateIsLost(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {Numbered(1, 0)});
  auto first = db.NewSession(), second = db.NewSession();
  Must(first->Begin(TransactionIsolation::kSnapshot));
  Must(second->Begin(TransactionIsolation::kSnapshot));
  for (Session* session : {&*first, &*second}) {
    EXPECT_EQ(Must(db.Get(*session, "c", 1)).document.text(), Numbered(1, 0));
  }
  Must(Ended(*first, db.Update(*first, "c", 1, SetN(1)).status()));
  EXPECT_EQ(Ended(*second, db.Update(*second, "c", 1, SetN(10)).status()).code(), Code::kConflict);
  EXPECT_EQ(Must(db.Get(db.session(), "c", 1)).document.text(), Numbered(1, 1));
}

void SerializableTransactionsAllowNoWriteSkew(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {Numbered(1, 1), Numbered(2, 1)});
  auto first = db.NewSession(), second = db.NewSession();
  // Each looks at the other's document and clears its own if that one is set.
  Must(first->Begin(TransactionIsolation::kSerializable));
  Must(second->Begin(TransactionIsolation::kSerializable));
  (void)Must(db.Get(*first, "c", 2));
  (void)Must(db.Get(*second, "c", 1));
  Must(Ended(*first, db.Update(*first, "c", 1, SetN(0)).status()));
  EXPECT_EQ(Ended(*second, db.Update(*second, "c", 2, SetN(0)).status()).code(), Code::kConflict);
  EXPECT_EQ(Must(db.Get(db.session(), "c", 2)).document.text(), Numbered(2, 1));
}

void ATransactionKeepsItsMoment(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {Numbered(1, 1)});
  auto session = db.NewSession();
  Must(session->Begin(TransactionIsolation::kSnapshot));
  EXPECT_EQ(Must(db.Find(*session, "c")).size(), 1u);
  db.Store("c", {Numbered(2, 2)});
  Must(db.Update(db.session(), "c", 1, SetN(9)).status());
  EXPECT_EQ(Must(db.Find(*session, "c")), std::vector<std::string>{Numbered(1, 1)});
  EXPECT_EQ(db.Get(*session, "c", 2).status().code(), Code::kNotFound);
  Must(session->Commit());
  EXPECT_EQ(Must(db.Find(*session, "c")).size(), 2u);
}

void ACancelledSessionGivesUp(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {Numbered(1, 1)});
  auto session = db.NewSession();
  session->Cancel();
  EXPECT_EQ(db.Find(*session, "c").status().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(db.All("c").size(), 1u) << "other sessions go on";
}

void APassedDeadlineEndsACall(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {Numbered(1, 1)});
  auto session = db.NewSession();
  session->SetDeadline(1);
  EXPECT_EQ(db.Find(*session, "c").status().code(), Code::kDeadlineExceeded);
  session->SetDeadline(0);  // the default limit again
  EXPECT_EQ(Must(db.Find(*session, "c")).size(), 1u);
}

}  // namespace

std::vector<PluginLaw> DatabaseSessionLaws() {
  return {{"ASessionNeedsACaller", ASessionNeedsACaller},
          {"WhatIsNotAllowedIsDeniedAndDoesNothing", WhatIsNotAllowedIsDeniedAndDoesNothing},
          {"ARevokedCallerMayNothing", ARevokedCallerMayNothing},
          {"ATransactionIsAllOrNothing", ATransactionIsAllOrNothing},
          {"AReleasedSessionRollsBack", AReleasedSessionRollsBack},
          {"NoUpdateIsLost", NoUpdateIsLost},
          {"SerializableTransactionsAllowNoWriteSkew", SerializableTransactionsAllowNoWriteSkew},
          {"ATransactionKeepsItsMoment", ATransactionKeepsItsMoment},
          {"ACancelledSessionGivesUp", ACancelledSessionGivesUp},
          {"APassedDeadlineEndsACall", APassedDeadlineEndsACall}};
}

}  // namespace nexadb::testkit
