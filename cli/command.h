// What the subcommands share: exit statuses and where messages go. One file a subcommand; main.cc
// lists them.
#pragma once

#include <doppio/status.h>

#include <CLI/CLI.hpp>
#include <string>

namespace doppio::cli {

enum ExitStatus : int {
  kDone = 0,
  kFailed = 1,    // a run or comparison failed
  kBadInput = 2,  // the call or the input is wrong
};

// Set by main's -v and -q before a subcommand runs.
struct Verbosity {
  bool quiet = false;
  bool verbose = false;
};
Verbosity& GlobalVerbosity();

// Writes "doppio: <message>" to stderr and says which exit status belongs to the status.
int Report(const Status& status);
// A line on stderr, unless -q; with -v only.
void Note(const std::string& line);
void Detail(const std::string& line);

// Each adds its subcommand to the application and stores its exit status in *exit_status when it
// runs.
#if DOPPIO_HAVE_CONVERTER
void AddConvert(CLI::App& app, int* exit_status);
#endif
void AddRun(CLI::App& app, int* exit_status);
void AddBench(CLI::App& app, int* exit_status);
void AddInspect(CLI::App& app, int* exit_status);

}  // namespace doppio::cli
