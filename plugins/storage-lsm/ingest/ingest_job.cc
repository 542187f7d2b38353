#include "plugins/storage-lsm/ingest/ingest_job.h"

#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

constexpr size_t kRowsPerCall = 256;
// Bytes of rows between looks at the room that is left: small beside any reserve worth having.
constexpr uint64_t kCheckBytes = 1u << 20;

Status BadRow(uint64_t row, std::string_view what) {
  return Invalid("ingest: row " + std::to_string(row) + " " + std::string(what) +
                 "; nothing was stored");
}

}  // namespace

IngestJob::~IngestJob() {
  if (done_) return;
  builder_.reset();
  tables_.clear();
  for (uint64_t number : numbers_) {
    // Left behind, it is an orphan that the next open removes.
    static_cast<void>(env_.Files().Remove(JoinPath(versions_.directory(), TableName(number))));
  }
}

Result<std::vector<TablePointer>> IngestJob::Run(Cursor& rows) {
  LSM_RETURN_IF_ERROR(WriteAll(rows));
  LSM_RETURN_IF_ERROR(FinishTable());
  LSM_RETURN_IF_ERROR(OpenTables());
  done_ = true;
  return std::move(tables_);
}

Status IngestJob::WriteAll(Cursor& rows) {
  std::vector<Row> batch(kRowsPerCall);
  uint64_t unchecked = kCheckBytes;
  for (;;) {
    auto count = rows.Next({batch.data(), batch.size()});
    if (!count.ok()) return count.status();
    if (*count == 0) return Status::Ok();
    if (*count > batch.size()) return Invalid("ingest: the cursor gave more rows than asked for");
    for (uint64_t i = 0; i < *count; ++i) {
      LSM_RETURN_IF_ERROR(Check(batch[i]));
      if (unchecked >= kCheckBytes) {
        LSM_RETURN_IF_ERROR(settings_.may_go_on());
        unchecked = 0;
      }
      unchecked += batch[i].key.size() + batch[i].value.size();
      LSM_RETURN_IF_ERROR(Write(batch[i]));
    }
  }
}

Status IngestJob::Check(const Row& row) const {
  if (row.key.size() > kStorageKeyBytesMax) return BadRow(rows_, "has a key that is too long");
  if (row.value.size() > kStorageValueBytesMax) {
    return BadRow(rows_, "has a value that is too long");
  }
  if (rows_ > 0 && AsText(row.key) <= last_) return BadRow(rows_, "is not above the one before it");
  return Status::Ok();
}

Status IngestJob::Write(const Row& row) {
  if (builder_ && builder_->EstimateBytes() >= settings_.table_bytes_max) {
    LSM_RETURN_IF_ERROR(FinishTable());
  }
  if (!builder_) LSM_RETURN_IF_ERROR(StartTable());
  ++rows_;
  last_.assign(AsText(row.key));
  return builder_->Add(last_, settings_.first + written_.size(), Kind::kPut, AsText(row.value));
}

Status IngestJob::StartTable() {
  if (settings_.first + written_.size() > kSequenceMax) {
    return Status::Error(Code::kResourceExhausted, "ingest: the store has used up all sequences");
  }
  const uint64_t number = versions_.NewNumber();
  numbers_.push_back(number);
  auto file =
      env_.Files().Open(JoinPath(versions_.directory(), TableName(number)), FileMode::kTruncate);
  if (!file.ok()) return file.status();
  builder_ = std::make_unique<TableBuilder>(std::move(*file), number, settings_.table);
  return Status::Ok();
}

Status IngestJob::FinishTable() {
  if (!builder_) return Status::Ok();
  auto info = builder_->Finish();
  builder_.reset();
  if (!info.ok()) return info.status();
  written_.push_back(std::move(*info));
  return Status::Ok();
}

Status IngestJob::OpenTables() {
  if (written_.empty()) return Status::Ok();
  LSM_RETURN_IF_ERROR(env_.Files().SyncDirectory(versions_.directory()));
  for (const TableInfo& info : written_) {
    auto table = versions_.OpenTable(info);
    if (!table.ok()) return table.status();
    tables_.push_back(std::move(*table));
  }
  return Status::Ok();
}

}  // namespace nexadb::lsm
