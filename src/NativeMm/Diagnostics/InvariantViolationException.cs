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
    /// <param name="message">The equation, with both sides.</param>
    public InvariantViolationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception that says what does not add up and what led there.</summary>
    /// <param name="message">The equation, with both sides.</param>
    /// <param name="innerException">What led there.</param>
    public InvariantViolationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
