"""What strangers and broken senders may send: it ends with one of our errors, soon, and in little memory."""
