# Stands in for the CMake package of the MLX wheel, which asks for the CUDA toolkit, or for an Xcode at a fixed path.
# mlx-c needs the headers only: the library itself is linked by Cargo.
add_library(mlx INTERFACE IMPORTED)
target_compile_features(mlx INTERFACE cxx_std_20)
target_include_directories(mlx SYSTEM INTERFACE "${MOSHIBAR_MLX_HEADERS}")
if(APPLE)
  target_include_directories(mlx SYSTEM INTERFACE "${MOSHIBAR_MLX_HEADERS}/metal_cpp")
endif()
