// The files of datasets/, compiled in (embed.cmake), still compressed.
#pragma once

#include <cstddef>

namespace gradquake::data {

extern const unsigned char optdigits_tra[], optdigits_tes[];
extern const std::size_t optdigits_tra_size, optdigits_tes_size;

}  // namespace gradquake::data
