namespace NativeMm.Diagnostics;

/// <summary>
/// The library found its own structures inconsistent: a bug in it, or memory that somebody overwrote. The process should not go on.
/// </summary>
public sealed class InvariantViolationException : Exception
{
    /// <summary>Makes an exception without a message.</summary>
    public InvariantViolationException()
    {
    }

    /// <summary>Makes an exception that says what does not add up.</summary>
    public InvariantViolationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception that says what does not add up and what led there.</summary>
    public InvariantViolationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
