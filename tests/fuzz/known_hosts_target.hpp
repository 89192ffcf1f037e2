#pragma once
#include <string_view>

/// One input of the known_hosts fuzzer: the first line is a host's name, the rest a file. Aborts on a broken promise.
void fuzz_known_hosts(std::string_view input);
