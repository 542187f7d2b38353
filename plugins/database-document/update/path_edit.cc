#include "plugins/database-document/update/path_edit.h"

#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {
namespace {

class Editor {
 public:
  Editor(const std::vector<std::string>& path, IfAbsent if_absent, const LeafEdit& edit)
      : path_(path), if_absent_(if_absent), edit_(edit) {}

  void Object(bson::Document doc, size_t at, bson::Builder* out) const {
    bool found = false;
    for (const bson::Element& e : doc) {
      if (!found && e.name() == path_[at]) {
        found = true;
        Member(e.value(), at, false, out);
      } else {
        out->Element(e);
      }
    }
    if (!found && if_absent_ != IfAbsent::kLeaveAlone) Create(path_[at], at, out);
  }

 private:
  bool Last(size_t at) const { return at + 1 == path_.size(); }

  void Array(bson::Document doc, size_t at, bson::Builder* out) const {
    const int64_t index = ArrayIndexOf(path_[at]);
    if (index < 0) {
      if (if_absent_ == IfAbsent::kCreate) FailPath(at, "array");
      out->Elements(doc);
      return;
    }
    int64_t i = 0;
    for (const bson::Element& e : doc) {
      if (i == index) {
        Member(e.value(), at, true, out);
      } else {
        out->Element(e);
      }
      ++i;
    }
    if (i > index || if_absent_ == IfAbsent::kLeaveAlone) return;
    if (index - i > kArrayPaddingMax) {
      Fail(code::kBadValue, "cannot fill more than " + std::to_string(kArrayPaddingMax) +
                                " array elements with null");
    }
    for (; i < index; ++i) out->Null(std::to_string(i));
    Create(path_[at], at, out);
  }

  void Member(const bson::Value& v, size_t at, bool in_array, bson::Builder* out) const {
    const std::string& name = path_[at];
    if (Last(at)) {
      const OwnedValue next = edit_(v);
      if (!next.IsMissing()) {
        out->Value(name, next.view());
      } else if (in_array) {
        out->Null(name);
      }
    } else if (v.type() == bson::Type::kObject) {
      out->OpenObject(name);
      Object(v.Doc(), at + 1, out);
      out->Close();
    } else if (if_absent_ == IfAbsent::kReplace) {
      Create(name, at, out);
    } else if (v.type() == bson::Type::kArray) {
      out->OpenArray(name);
      Array(v.Doc(), at + 1, out);
      out->Close();
    } else {
      if (if_absent_ == IfAbsent::kCreate) FailPath(at + 1, TypeName(v.type()));
      out->Value(name, v);
    }
  }

  void Create(const std::string& name, size_t at, bson::Builder* out) const {
    if (!Last(at)) {
      out->OpenObject(name);
      Create(path_[at + 1], at + 1, out);
      out->Close();
      return;
    }
    const OwnedValue next = edit_(bson::Value());
    if (!next.IsMissing()) out->Value(name, next.view());
  }

  [[noreturn]] void FailPath(size_t at, std::string_view type) const {
    Fail(code::kPathNotViable,
         "Cannot create field '" + path_[at] + "' in an element of type " + std::string(type));
  }

  const std::vector<std::string>& path_;
  const IfAbsent if_absent_;
  const LeafEdit& edit_;
};

}  // namespace

std::string EditPath(bson::Document doc, const std::vector<std::string>& path, IfAbsent if_absent,
                     const LeafEdit& edit) {
  bson::Builder out;
  Editor(path, if_absent, edit).Object(doc, 0, &out);
  return out.Finish();
}

bson::Value ValueAt(bson::Document doc, const std::vector<std::string>& path) {
  bson::Value v = doc.AsValue(bson::Type::kObject);
  for (const std::string& name : path) {
    if (v.type() == bson::Type::kObject) {
      v = v.Doc()[name].value();
    } else if (v.type() == bson::Type::kArray && ArrayIndexOf(name) >= 0) {
      v = ElementAt(v.Doc(), ArrayIndexOf(name));
    } else {
      return {};
    }
  }
  return v;
}

}  // namespace nexadb::query
