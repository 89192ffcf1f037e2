"""What Fabric 1 brings beside its core."""
