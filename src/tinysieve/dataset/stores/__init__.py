"""Image stores: where the bytes of images lie, behind every stage that opens one."""
