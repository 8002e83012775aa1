namespace NativeMm.Zsmalloc;

/// <summary>
/// The bytes of an object, readable until <see cref="Dispose"/>. While it is open the object stays where it is: compaction and migration go
/// around it, so keep it short. Dispose it exactly once, on any code path.
/// </summary>
public ref struct ZsReadLease
{
    /// <summary>The object's bytes: in the pool's memory, or in the caller's scratch when the object straddles frames.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    /// <summary>Gives the object free to move again. A second call does nothing.</summary>
    /// <exception cref="Diagnostics.MemoryFaultException">The object was freed while it was being read.</exception>
    public void Dispose() => throw new NotImplementedException();
}
