"""moshi_mlx's host-side cost per frame on MLX's CPU backend, to hold against `moshibar bench` on the same checkpoint."""
