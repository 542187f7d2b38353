// Laws of vector collections, on vector-bruteforce where it is built.
#include <cmath>
#include <limits>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class Vectors : public DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    ASSERT_NE(vectors_, nullptr) << "build vector-bruteforce first";
  }
  VectorCollections& service() {
    return *static_cast<VectorCollections*>(database_->Facet(VectorCollections::kInterface));
  }
  Result<bool> Create(std::string_view options) {
    const std::string bytes = Bson(options);
    return service().Create(*session_, "test", "c", AsBytes(bytes));
  }
  Status Insert(std::string_view document, std::vector<float> vector) {
    const std::string bytes = Bson(document);
    const BytesView view = AsBytes(bytes);
    return service()
        .Insert(*session_, "test", "c", {&view, 1}, vector, static_cast<uint32_t>(vector.size()))
        .status();
  }
  // Ids of the hits, best first, or the error's name.
  std::string Search(Session& session, std::vector<float> vector, std::string_view filter = "{}") {
    const std::string filter_bytes = Bson(filter);
    VectorQuery query;
    query.queries = vector;
    query.dimensions = static_cast<uint32_t>(vector.size());
    query.filter = AsBytes(filter_bytes);
    auto reply = service().Search(session, "test", "c", query);
    if (!reply.ok()) return std::string(ErrorOf(reply.status()).name);
    std::string ids;
    const bson::Document searches = bson::Document(reply->bytes())["searches"].value().Doc();
    for (const bson::Element& hit : (*searches.begin()).value().Doc()["results"].value().Doc()) {
      ids += std::to_string(hit.value().Doc()["document_id"].value().Int32()) + " ";
    }
    return ids;
  }
  std::string Search(std::vector<float> vector, std::string_view filter = "{}") {
    return Search(*session_, std::move(vector), filter);
  }
};

TEST_F(Vectors, TheNearestComeFirst) {
  ASSERT_TRUE(*Create(R"({"dimensions": 2})"));
  EXPECT_FALSE(*Create(R"({"dimensions": 2})"));
  EXPECT_EQ(Create(R"({"dimensions": 3})").status().code(), Code::kConflict);
  ASSERT_TRUE(Insert(R"({"_id": 1, "k": "a"})", {1, 0}).ok());
  ASSERT_TRUE(Insert(R"({"_id": 2, "k": "b"})", {0, 1}).ok());
  ASSERT_TRUE(Insert(R"({"_id": 3, "k": "b"})", {1, 1}).ok());
  EXPECT_EQ(Search({1, 0.1f}), "1 3 2 ");
  EXPECT_EQ(Search({1, 0.1f}, R"({"k": "b"})"), "3 2 ");
  EXPECT_EQ(Search({1, 0.1f}, R"({"k": "none"})"), "");
}

TEST_F(Vectors, DocumentAndVectorGoTogether) {
  ASSERT_TRUE(*Create(R"({"dimensions": 2})"));
  ASSERT_TRUE(Insert(R"({"_id": 1})", {1, 0}).ok());
  EXPECT_TRUE(Is(Insert(R"({"_id": 1})", {0, 1}), ErrorId::kDuplicateKey));
  EXPECT_EQ(Search({0, 1}), "1 ");
  EXPECT_TRUE(Is(Insert(R"({"_id": 2})", {1, 0, 0}), ErrorId::kVectorDimensionMismatch));
  EXPECT_TRUE(Is(Insert(R"({"_id": 2})", {1, std::nanf("")}), ErrorId::kInvalidVector));
  EXPECT_EQ(Count("c"), 1);
  Run(R"({"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]})");
  EXPECT_EQ(Search({1, 0}), "");
}

TEST_F(Vectors, TheVectorMemberIsKeptBesideTheDocument) {
  EXPECT_EQ(Search({1, 0}), "not_a_vector_collection");
  const std::string document = Bson(R"({"_id": 1, "x": 1, "__vector__": [1, 0]})");
  const BytesView view = AsBytes(document);
  ASSERT_TRUE(database_->Insert(*session_, "test", "c", {&view, 1}, {}).ok());
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":1,"x":1}])");
  EXPECT_EQ(Search({1, 0}), "1 ");
  // By an update, and it stays when an update does not name it.
  const std::string id = Bson(R"({"_id": 1})");
  const std::string turn = Bson(R"({"__vector__": [0, 5]})");
  ASSERT_TRUE(database_->UpdateById(*session_, "test", "c", AsBytes(id), AsBytes(turn), {}).ok());
  const std::string other = Bson(R"({"x": 2})");
  ASSERT_TRUE(database_->UpdateById(*session_, "test", "c", AsBytes(id), AsBytes(other), {}).ok());
  EXPECT_EQ(Search({0, 1}), "1 ");
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":1,"x":2}])");
  for (const char* bad : {R"({"__vector__": [1]})", R"({"__vector__": "x"})",
                          R"({"__vector__": [1, "x"]})", R"({"__vector__": []})"}) {
    const std::string change = Bson(bad);
    auto refused = database_->UpdateById(*session_, "test", "c", AsBytes(id), AsBytes(change), {});
    EXPECT_EQ(ErrorOf(refused.status()).status, 422) << bad;
  }
  EXPECT_EQ(Search({0, 1}), "1 ");
}

TEST_F(Vectors, ATransactionFindsItsOwnVectors) {
  ASSERT_TRUE(*Create(R"({"dimensions": 2})"));
  ASSERT_TRUE(Insert(R"({"_id": 1})", {1, 0}).ok());
  auto other = NewSession();
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  ASSERT_TRUE(Insert(R"({"_id": 2})", {1, 0.1f}).ok());
  Run(R"({"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]})");
  EXPECT_EQ(Search({1, 0}), "2 ");
  EXPECT_EQ(Search(*other, {1, 0}), "1 ");
  ASSERT_TRUE(session_->Rollback().ok());
  EXPECT_EQ(Search({1, 0}), "1 ");
}

TEST_F(Vectors, ARestartRebuildsTheIndexFromStorage) {
  ASSERT_TRUE(*Create(R"({"dimensions": 2, "metric": "l2"})"));
  ASSERT_TRUE(Insert(R"({"_id": 1})", {1, 0}).ok());
  ASSERT_TRUE(Insert(R"({"_id": 2})", {5, 5}).ok());
  EXPECT_EQ(Search({4, 4}), "2 1 ");
  Reopen();
  ASSERT_TRUE(Insert(R"({"_id": 3})", {4, 4}).ok());
  EXPECT_EQ(Search({4, 4}), "3 2 1 ");
  auto described = service().Describe(*session_, "test", "c");
  ASSERT_TRUE(described.ok());
  EXPECT_EQ(bson::Document(described->bytes())["count"].value().Int64(), 3);
}

TEST_F(Vectors, DroppingLeavesTheDocuments) {
  ASSERT_TRUE(*Create(R"({"dimensions": 2})"));
  ASSERT_TRUE(Insert(R"({"_id": 1})", {1, 0}).ok());
  ASSERT_TRUE(service().Drop(*session_, "test", "c").ok());
  EXPECT_EQ(Search({1, 0}), "not_a_vector_collection");
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":1}])");
  ASSERT_TRUE(*Create(R"({"dimensions": 3})"));
  EXPECT_EQ(Search({1, 0, 0}), "");
}

}  // namespace
}  // namespace nexadb::database
