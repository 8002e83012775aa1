namespace NativeMm.Diagnostics;

/// <summary>
/// A caller's mistake with memory: double free, foreign pointer, overrun and the like. The message names the mistake and the address.
/// </summary>
public sealed class MemoryFaultException : InvalidOperationException
{
    /// <summary>Makes an exception without a message.</summary>
    public MemoryFaultException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What was done wrong, and where.</param>
    public MemoryFaultException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What was done wrong, and where.</param>
    /// <param name="innerException">What led there.</param>
    public MemoryFaultException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes an exception that tells the mistake apart.</summary>
    /// <param name="kind">Which mistake.</param>
    /// <param name="address">The address in question, 0 if none.</param>
    /// <param name="message">Names the mistake, the address and what to look for.</param>
    public MemoryFaultException(MemoryFaultKind kind, nuint address, string message)
        : base(message)
    {
        Kind = kind;
        Address = address;
    }

    /// <summary>Which mistake it was.</summary>
    public MemoryFaultKind Kind { get; }

    /// <summary>The address in question, 0 if none.</summary>
    public nuint Address { get; }
}
