using NativeMm.Diagnostics;
using NativeMm.Platform;

namespace NativeMm.Heap;

/// <summary>
/// Bump allocation for a heap's own structures, straight from the platform, so that they never share a page with user data. Nothing is given
/// back before <see cref="Dispose"/>. Callers hold a lock of their own.
/// </summary>
internal sealed unsafe class MetadataArena(IMemoryPlatform platform) : IDisposable
{
    private const nuint ChunkBytes = 1 << 20;
    private const nuint Alignment = 128;

    // Each chunk begins with the address of the one before it: a list of chunks would need managed memory, which a free must not.
    private nuint _newest;
    private nuint _next;
    private nuint _end;

    /// <summary>Bytes handed out.</summary>
    public ulong UsedBytes { get; private set; }

    /// <summary>Memory that reads as zero and lives as long as the arena, 128-byte aligned; 0 when the platform refuses.</summary>
    /// <param name="bytes">At most 1 MiB less a line of 128.</param>
    public nuint Alloc(nuint bytes)
    {
        bytes = (bytes + Alignment - 1) & ~(Alignment - 1);
        Invariant.Check(bytes <= ChunkBytes - Alignment, $"A metadata request of {bytes} bytes is larger than a chunk.");
        if (_end - _next < bytes && !TryAddChunk())
        {
            return 0;
        }

        nuint address = _next;
        _next += bytes;
        UsedBytes += bytes;
        Invariant.Assert(
            address % Alignment == 0 && _next <= _end && _end - _newest == ChunkBytes,
            $"{bytes} bytes at 0x{address:x} lie outside of the chunk at 0x{_newest:x}.");
        return address;
    }

    /// <summary>Gives everything back.</summary>
    public void Dispose()
    {
        while (_newest != 0)
        {
            nuint before = *(nuint*)_newest;
            platform.ReleaseOrKeep(_newest, ChunkBytes);
            _newest = before;
        }

        _next = 0;
        _end = 0;
    }

    private bool TryAddChunk()
    {
        if (!platform.Reserve(ChunkBytes, platform.PageBytes, out nuint chunk).Succeeded)
        {
            return false;
        }

        *(nuint*)chunk = _newest;
        _newest = chunk;
        _next = chunk + Alignment;
        _end = chunk + ChunkBytes;
        return true;
    }
}
