"""What a user holds: an opened dataset, its samples, their images and annotations, each read when asked for."""
