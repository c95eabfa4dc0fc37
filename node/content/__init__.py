"""What people write, made safe to show: Markdown to HTML, anyone's HTML to clean HTML, text of HTML."""
