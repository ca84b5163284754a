# -DWALROCK_SANITIZE=address,undefined or thread: everything is built with that sanitizer.
set(WALROCK_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")
if(WALROCK_SANITIZE)
  add_compile_options(-fsanitize=${WALROCK_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WALROCK_SANITIZE})
endif()
