namespace NativeMm.Platform;

/// <summary>Outcome of one call to the operating system: its <c>errno</c>, 0 for success. Never thrown below the public surface.</summary>
/// <param name="errno">0, or the platform's error number.</param>
internal readonly struct PlatformResult(int errno)
{
    /// <summary>The call did what it was asked to do.</summary>
    public static readonly PlatformResult Success;

    /// <summary>The platform's error number; 0 is success.</summary>
    public int Errno { get; } = errno;

    /// <summary>Whether the call did what it was asked to do.</summary>
    public bool Succeeded => Errno == 0;

    /// <inheritdoc/>
    public override string ToString() => Succeeded ? "success" : ErrorNumber.Describe(Errno);
}
