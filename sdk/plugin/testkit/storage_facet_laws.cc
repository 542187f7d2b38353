// Laws of the facets of backups and of changes, for engines that offer them. They are optional: an
// engine without one answers null, and its laws hold.
#include <unistd.h>

#include "core/base/coding.h"
#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

StorageBackup* Backups(Bench& bench) {
  return static_cast<StorageBackup*>(bench.engine().Facet(StorageBackup::kInterface));
}
StorageChanges* Changes(Bench& bench) {
  return static_cast<StorageChanges*>(bench.engine().Facet(StorageChanges::kInterface));
}

// A folder for one law's backups, gone with it.
class Folder {
 public:
  explicit Folder(Bench& bench)
      : bench_(bench),
        path_(::testing::TempDir() + "nexadb_law_backups_" + std::to_string(::getpid())) {}
  ~Folder() {
    for (const std::string& name : Names()) {
      static_cast<void>(Backups(bench_)->Remove(At(name)));
    }
    static_cast<void>(bench_.fixture.Environment().Files().RemoveDirectory(path_));
  }
  std::string At(std::string_view name) const { return path_ + "/" + std::string(name); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    BackupSink sink;
    sink.state = &names;
    sink.backup = [](void* state, StringView name, const BackupInfo&,
                     const Status& status) noexcept {
      EXPECT_TRUE(status.ok()) << status.message();
      static_cast<std::vector<std::string>*>(state)->emplace_back(std::string_view(name));
    };
    const Status listed = Backups(bench_)->List(path_, sink);
    EXPECT_TRUE(listed.ok()) << listed.message();
    return names;
  }

 private:
  Bench& bench_;
  const std::string path_;
};

uint64_t Fill(Bench& bench, int rows, const std::string& value) {
  uint64_t last = 0;
  for (int i = 0; i < rows; ++i) last = Write(bench, {Put("key" + std::to_string(i), value)});
  return last;
}

void ABackupHoldsWhatWasAcknowledgedBeforeIt(Bench& bench) {
  if (Backups(bench) == nullptr) return;
  const Folder folder(bench);
  const std::string one = Counter(1);
  Fill(bench, 50, "before");
  const uint64_t last = Write(bench, {Delete("key7"), Add("n", one), DeleteRange("key2", "key3")});
  const Rows expected = ScanAll(bench);
  auto made = Backups(bench)->Backup(folder.At("one"), {});
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_GE(made->sequence, last);
  EXPECT_GT(made->files, 0u);
  EXPECT_GT(made->bytes, 0u);
  Fill(bench, 80, "after");
  auto described = Backups(bench)->Describe(folder.At("one"));
  ASSERT_TRUE(described.ok()) << described.status().message();
  EXPECT_EQ(described->sequence, made->sequence);
  EXPECT_EQ(described->bytes, made->bytes);
  Status status = Backups(bench)->VerifyBackup(folder.At("one"), {});
  EXPECT_TRUE(status.ok()) << status.message();
  status = Backups(bench)->RestoreAtNextOpen(folder.At("one"), {});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(Get(bench, "key7"), "after") << "the store goes on until it is opened next";
  bench.fixture.Reopen();
  EXPECT_TRUE(ScanAll(bench) == expected);
  Write(bench, {Put("later", "1")});
  bench.fixture.Reopen();
  EXPECT_EQ(Get(bench, "later"), "1") << "a restore happens once";
}

void BackupsOfOneFolderStandByThemselves(Bench& bench) {
  if (Backups(bench) == nullptr) return;
  const Folder folder(bench);
  EXPECT_TRUE(folder.Names().empty());
  Fill(bench, 40, "one");
  const Rows first = ScanAll(bench);
  ASSERT_TRUE(Backups(bench)->Backup(folder.At("one"), {}).ok());
  Fill(bench, 60, "two");
  ASSERT_TRUE(Backups(bench)->Backup(folder.At("two"), {}).ok());
  EXPECT_EQ(Backups(bench)->Backup(folder.At("two"), {}).status().code(), Code::kConflict);
  EXPECT_EQ(folder.Names().size(), 2u);
  ASSERT_TRUE(Backups(bench)->Remove(folder.At("two")).ok());
  EXPECT_EQ(folder.Names(), std::vector<std::string>{"one"});
  EXPECT_EQ(Backups(bench)->Describe(folder.At("two")).status().code(), Code::kNotFound);
  // What it shared with the other is still whole.
  ASSERT_TRUE(Backups(bench)->VerifyBackup(folder.At("one"), {}).ok());
  ASSERT_TRUE(Backups(bench)->RestoreAtNextOpen(folder.At("one"), {}).ok());
  bench.fixture.Reopen();
  EXPECT_TRUE(ScanAll(bench) == first);
}

void ABackupThatItsWatcherEndsLeavesNone(Bench& bench) {
  if (Backups(bench) == nullptr) return;
  const Folder folder(bench);
  Fill(bench, 40, "v");
  BackupWatch watch;
  watch.progress = [](void*, uint64_t, uint64_t) noexcept {
    return Status::Error(Code::kDeadlineExceeded, "enough");
  };
  EXPECT_EQ(Backups(bench)->Backup(folder.At("one"), watch).status().code(),
            Code::kDeadlineExceeded);
  EXPECT_TRUE(folder.Names().empty());
  ASSERT_TRUE(Backups(bench)->Backup(folder.At("one"), {}).ok()) << "the name is free";
}

// What a follower has made of what it was told.
struct Follower {
  Model model;
  uint64_t sequence = 0;
  uint64_t batches = 0;
  uint64_t stop_after = ~uint64_t{0};

  ChangeSink Sink() {
    ChangeSink sink;
    sink.state = this;
    sink.batch = [](void* state, uint64_t at, Span<const Mutation> mutations) noexcept {
      return static_cast<Follower*>(state)->Apply(at, mutations);
    };
    return sink;
  }
  Status Apply(uint64_t at, Span<const Mutation> mutations) {
    EXPECT_GT(at, sequence) << "in commit order";
    sequence = at;
    for (const Mutation& m : mutations) {
      const std::string key(AsText(m.key));
      const std::string value(AsText(m.value));
      switch (m.op) {
        case Mutation::Op::kPut: model[key] = value; break;
        case Mutation::Op::kDelete: model.erase(key); break;
        case Mutation::Op::kDeleteRange:
          model.erase(model.lower_bound(key),
                      value.empty() ? model.end() : model.lower_bound(value));
          break;
        default: ADD_FAILURE() << "stamps and sums come filled in, as puts";
      }
    }
    if (++batches >= stop_after) return Status::Error(Code::kUnavailable, "enough");
    return Status::Ok();
  }
};

void AFollowerGetsEveryBatchOnceWithStampsAndSumsFilledIn(Bench& bench) {
  if (Changes(bench) == nullptr) return;
  const std::string two = Counter(2), hole(10, '.');
  Write(bench, {Put("kept", "1"), Put("gone", "1"), Add("n", two)});
  Follower follower;
  {
    auto snapshot = OpenSnapshot(bench);
    const Rows rows = Scan(*snapshot);
    follower.model = {rows.begin(), rows.end()};
    follower.sequence = snapshot->Sequence();
  }
  Write(bench, {Delete("gone"), Put("new", "1"), Put("new", "2")});
  Write(bench, {Add("n", two), StampedKey(hole, 0, "s")});
  auto transaction = Begin(bench);
  WriteIn(*transaction, {Put("in a transaction", "1"), DeleteRange("a", "c")});
  MustCommit(*transaction);
  transaction.Reset();
  const uint64_t last = Write(bench, {Put("last", "1")});
  Status status = Changes(bench)->ChangesSince(follower.sequence, follower.Sink());
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(follower.batches, 4u);
  EXPECT_EQ(follower.sequence, last);
  EXPECT_TRUE(RowsOf(follower.model) == ScanAll(bench));
  status = Changes(bench)->ChangesSince(follower.sequence, follower.Sink());
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(follower.batches, 4u) << "there is nothing new";
}

void AFollowerThatStopsGoesOnWhereItStopped(Bench& bench) {
  if (Changes(bench) == nullptr) return;
  Follower follower;
  follower.sequence = OpenSnapshot(bench)->Sequence();
  Fill(bench, 20, "v");
  follower.stop_after = 7;
  EXPECT_EQ(Changes(bench)->ChangesSince(follower.sequence, follower.Sink()).code(),
            Code::kUnavailable)
      << "the sink's own failure";
  EXPECT_EQ(follower.batches, 7u);
  follower.stop_after = ~uint64_t{0};
  const Status status = Changes(bench)->ChangesSince(follower.sequence, follower.Sink());
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(follower.batches, 20u);
  EXPECT_TRUE(RowsOf(follower.model) == ScanAll(bench));
}

void AFollowerOfAnotherStoreIsTold(Bench& bench) {
  if (Changes(bench) == nullptr) return;
  const uint64_t last = Write(bench, {Put("a", "1")});
  Follower follower;
  EXPECT_EQ(Changes(bench)->ChangesSince(last + 1000, follower.Sink()).code(), Code::kNotFound);
  EXPECT_EQ(follower.batches, 0u);
}

}  // namespace

std::vector<StorageLaw> StorageFacetLaws() {
  return {
      {"ABackupHoldsWhatWasAcknowledgedBeforeIt", ABackupHoldsWhatWasAcknowledgedBeforeIt, true},
      {"BackupsOfOneFolderStandByThemselves", BackupsOfOneFolderStandByThemselves, true},
      {"ABackupThatItsWatcherEndsLeavesNone", ABackupThatItsWatcherEndsLeavesNone, true},
      {"AFollowerGetsEveryBatchOnceWithStampsAndSumsFilledIn",
       AFollowerGetsEveryBatchOnceWithStampsAndSumsFilledIn},
      {"AFollowerThatStopsGoesOnWhereItStopped", AFollowerThatStopsGoesOnWhereItStopped},
      {"AFollowerOfAnotherStoreIsTold", AFollowerOfAnotherStoreIsTold}};
}

}  // namespace nexadb::testkit
