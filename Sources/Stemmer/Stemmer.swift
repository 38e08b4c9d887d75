/// Skeleton.
