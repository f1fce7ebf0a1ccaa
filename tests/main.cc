// The program around every set of tests, for Catch2 2 and 3 alike.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include "tests/catch.h"

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
