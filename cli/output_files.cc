#include "cli/output_files.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/message.h"
#include "cli/npy.h"
#include "runtime/platform/atomic_file.h"

namespace doppio::cli {
namespace {

bool IsFileCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Status WriteWhole(const std::string& path, const std::string& bytes) {
  DOPPIO_ASSIGN_OR_RETURN(platform::AtomicFile file, platform::AtomicFile::Create(path));
  DOPPIO_RETURN_IF_ERROR(file.Write(bytes.data(), bytes.size()));
  DOPPIO_RETURN_IF_ERROR(file.Sync());
  return file.Commit();
}

}  // namespace

std::vector<std::string> FileNames(const std::vector<std::string>& names) {
  std::vector<std::string> files;
  std::set<std::string> taken;
  for (const std::string& name : names) {
    std::string stem;
    for (char c : name) stem += IsFileCharacter(c) ? c : '_';
    if (stem.empty() || stem == "." || stem == "..") stem = "_";
    std::string file = stem;
    for (int suffix = 2; !taken.insert(file).second; ++suffix) file = base::Cat(stem, "_", suffix);
    files.push_back(file);
  }
  return files;
}

Status WriteOutputs(const Session& session, const std::vector<std::string>& names,
                    const std::string& folder) {
  bool created = false;
  DOPPIO_RETURN_IF_ERROR(platform::MakeFolder(folder, &created));
  const std::vector<std::string> files = FileNames(names);
  nlohmann::json index = {{"schema", 1}, {"outputs", nlohmann::json::array()}};
  for (size_t i = 0; i < names.size(); ++i) {
    const TensorView tensor = session.output(i);
    StatusOr<std::string> bytes = FormatNpy(tensor);
    if (!bytes.ok()) return bytes.status().Annotate(base::Cat("output ", base::Quoted(names[i])));
    DOPPIO_RETURN_IF_ERROR(WriteWhole(folder + "/" + files[i] + ".npy", *bytes));
    index["outputs"].push_back(
        {{"name", names[i]},
         {"file", files[i] + ".npy"},
         {"type", ElementName(tensor.type)},
         {"dims", std::vector<int64_t>(tensor.dims.begin(), tensor.dims.end())}});
  }
  return WriteWhole(folder + "/index.json", index.dump(2) + "\n");
}

}  // namespace doppio::cli
