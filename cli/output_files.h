// Outputs written by `run`: DIR/NAME.npy for each, and index.json with the true names.
#pragma once

#include <doppio/predictor.h>

#include <string>
#include <vector>

namespace doppio::cli {

// File names for tensors of these names, without ".npy": characters outside A-Za-z0-9._- become
// '_'; a name that is taken gets "_2", "_3", and so on.
std::vector<std::string> FileNames(const std::vector<std::string>& names);

// Writes every output of the session's last run. Each file appears whole or not at all.
Status WriteOutputs(const Session& session, const std::vector<std::string>& names,
                    const std::string& folder);

}  // namespace doppio::cli
