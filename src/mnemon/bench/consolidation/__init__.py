"""What training facts into weights holds, takes and reaches, by optimizer and offload."""
