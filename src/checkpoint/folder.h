// The folder of a checkpoint, and files written into it as a whole. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace walrock {

// Makes the folder, readable by its owner only, when it is missing. Throws checkpoint_failed.
void make_checkpoint_folder(std::string const& folder);

// The file has either its old content or the new one, whatever happens. Throws checkpoint_failed.
void write_file_atomically(std::string const& path, std::string_view content);

// Nothing when the file is not there. Throws checkpoint_failed when it cannot be read.
[[nodiscard]] std::optional<std::string> read_small_file(std::string const& path);

// Makes a rename or a removal in the folder durable. Throws checkpoint_failed.
void sync_folder(std::string const& folder);

} // namespace walrock
