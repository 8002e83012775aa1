namespace NativeMm.Lab.Experiments.Faults;

/// <summary>By a pointer.</summary>
/// <param name="memory">First byte.</param>
internal readonly unsafe struct RawPath(byte* memory) : IAccessPath
{
    private readonly byte* _memory = memory;

    /// <inheritdoc/>
    public long Read(long offset) => *(long*)(_memory + offset);
}
