namespace NativeMm.Lab;

/// <summary>The user asked for something that the lab does not know. The message is the one line that he sees; the exit code is 2.</summary>
internal sealed class LabUsageException(string message) : Exception(message);
