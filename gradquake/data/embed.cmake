# cmake -DINPUTS="name=file;..." -DOUTPUT=x.cpp -P embed.cmake
# Writes each file's bytes as an array gradquake::data::<name> with its size <name>_size.
set(source "#include \"gradquake/data/embedded.h\"\n\nnamespace gradquake::data {\n")
foreach(input ${INPUTS})
  string(REPLACE "=" ";" pair ${input})
  list(GET pair 0 name)
  list(GET pair 1 file)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND source "const unsigned char ${name}[] = {${bytes}};\nconst std::size_t ${name}_size = sizeof(${name});\n")
endforeach()
file(WRITE ${OUTPUT} "${source}}  // namespace gradquake::data\n")
