using System.Buffers;

namespace NativeMm.AddressSpaces;

/// <summary>Memory over pinned bytes. Whoever holds the pin answers for its life.</summary>
internal sealed unsafe class PinnedMemory(PinnedRun run) : MemoryManager<byte>
{
    /// <inheritdoc/>
    public override Span<byte> GetSpan() => new((void*)run.Address, run.Length);

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)run.Address + elementIndex);

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}
