"""What can be asked of a container, one module per probe: from launch to evidence. None of them judges."""
