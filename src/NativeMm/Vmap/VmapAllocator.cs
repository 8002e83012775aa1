#pragma warning disable CS1591 // Skeleton: the members get their docs with their bodies.
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>Contiguous address ranges over scattered page frames.</summary>
public sealed unsafe partial class VmapAllocator : IShrinker, IDisposable
{
    /// <summary>Makes an allocator with a zone of its own.</summary>
    public VmapAllocator(VmapOptions? options = null)
        : this(options ?? new VmapOptions(), SystemPlatform.Current)
    {
    }

    internal VmapAllocator(
        VmapOptions options,
        IMemoryPlatform platform,
        Func<FreeSpaceGeometry, FreeSpace>? makeFreeSpace = null,
        Func<FreeSpaceGeometry, LazySet>? makeLazySet = null) => throw new NotImplementedException();

    public VmapOptions Options => throw new NotImplementedException();

    /// <summary>Whether frames can be mapped at all; otherwise Alloc gives contiguous frames and Map throws.</summary>
    public bool CanMap => throw new NotImplementedException();

    public FrameZone Zone => throw new NotImplementedException();

    public void* Alloc(nuint bytes, VmapFlags flags = VmapFlags.None, nuint alignment = 0) => throw new NotImplementedException();

    public bool TryAlloc(nuint bytes, VmapFlags flags, nuint alignment, out void* address) => throw new NotImplementedException();

    public void Free(void* address) => throw new NotImplementedException();

    public void* Realloc(void* address, nuint bytes, VmapFlags flags = VmapFlags.None) => throw new NotImplementedException();

    public void* Map(ReadOnlySpan<Pfn> frames, VmapFlags flags = VmapFlags.None) => throw new NotImplementedException();

    public void Unmap(void* address) => throw new NotImplementedException();

    /// <summary>Frames for Map, reference counted; each starts with one reference.</summary>
    public void AllocateFrames(Span<Pfn> frames, FrameFlags flags = FrameFlags.None) => throw new NotImplementedException();

    public void FreeFrames(ReadOnlySpan<Pfn> frames) => throw new NotImplementedException();

    /// <summary>Frame behind an address of a busy range.</summary>
    public Pfn FrameOf(void* address) => throw new NotImplementedException();

    public void* MapRam(ReadOnlySpan<Pfn> frames) => throw new NotImplementedException();

    public void UnmapRam(void* address, int count) => throw new NotImplementedException();

    public void UnmapAliases() => throw new NotImplementedException();

    public VmapPerCoreArea AllocPerCore(nuint bytes, VmapFlags flags = VmapFlags.None) => throw new NotImplementedException();

    public VmapAreaInfo? FindArea(void* address) => throw new NotImplementedException();

    public nuint Read(void* address, Span<byte> destination) => throw new NotImplementedException();

    public IReadOnlyList<VmapAreaInfo> GetAreas() => throw new NotImplementedException();

    public void WriteAreas(TextWriter writer) => throw new NotImplementedException();

    /// <summary>Unmaps all lazy ranges and, if asked, the pools too.</summary>
    public ulong Purge(bool pools = false) => throw new NotImplementedException();

    public ulong Trim() => throw new NotImplementedException();

    public ulong Shrink(ulong framesWanted) => throw new NotImplementedException();

    public void AddPurgeNotifier(Action<nuint> notifier) => throw new NotImplementedException();

    public void RemovePurgeNotifier(Action<nuint> notifier) => throw new NotImplementedException();

    public VmapStatistics GetStatistics() => throw new NotImplementedException();

    public void Validate() => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
