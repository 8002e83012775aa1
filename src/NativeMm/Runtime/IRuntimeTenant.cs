namespace NativeMm.Runtime;

/// <summary>Something above a runtime that takes frames of it and ends with it at the latest. The runtime calls at any moment until the tenant has left.</summary>
internal interface IRuntimeTenant
{
    /// <summary>Bytes in frames of the runtime.</summary>
    ulong FrameBytes { get; }

    /// <summary>Gives what rests back, a little at a time.</summary>
    void TrimIdle();

    /// <summary>Gives everything back that nobody needs at this moment.</summary>
    void Trim();

    /// <summary>Whether somebody reads its memory, so that the runtime must not end.</summary>
    void ThrowIfHeld();

    /// <summary>Ends: the runtime does. May run beside the tenant's own end, and waits for it.</summary>
    void End();

    /// <summary>Checks the whole structure.</summary>
    void Validate();
}
