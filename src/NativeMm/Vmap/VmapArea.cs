using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// The record of one range, in lines of its own beside the window. Records are never returned, only used again, so that a reader without a lock reads a
/// record at least; <see cref="Version"/> tells whether it was the same one throughout.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = CacheLine.Isolation)]
internal struct VmapArea
{
    // Owner: whoever moves the area on, as a VmapAreaState. Busy → None is a CAS by whoever frees; the rest are release stores by the one thread
    // that the area belongs to at that moment, or by the holder of the pool's lock.
    [FieldOffset(0)]
    public uint State;

    // Owner: whoever makes the area or takes it out of a pool, before it is busy; afterwards the holder of the area (Realloc). Start to Bytes are
    // written inside a write of Version alone, so that one version is one owner with one size.
    [FieldOffset(4)]
    public uint Start;

    [FieldOffset(8)]
    public uint Pages;

    [FieldOffset(12)]
    public byte GuardPages;

    [FieldOffset(13)]
    public byte Kind;

    [FieldOffset(14)]
    public ushort Flags;

    [FieldOffset(16)]
    public nuint Bytes;

    // Mappings of the area. A block's is added to by atomic addition.
    [FieldOffset(24)]
    public uint Mappings;

    // The core whose pool the area goes to. Written by the maker, and by a thief once the area is out of the pool and his alone.
    [FieldOffset(28)]
    public uint Home;

    // The next area in the pool or on the free list of records; owner: the holder of that lock.
    [FieldOffset(32)]
    public uint Next;

    // The slot of the block that the area stands for.
    [FieldOffset(36)]
    public uint Slot;

    [FieldOffset(40)]
    public SeqCount Version;

    // 1 while a pool may keep the area with its frames: it was allocated, and nobody was told which frames it has. Release stores.
    [FieldOffset(48)]
    public uint Poolable;

    // Pages that the address was asked to be a multiple of; 0 and 1 for any page. Owner: as Start.
    [FieldOffset(52)]
    public uint AlignPages;

    /// <summary>
    /// Begins the time of a new owner of a range that is made already and is the caller's alone at this moment. Plain stores to a line that the
    /// pool's lock has brought here.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeginOwner(nuint bytes, VmapFlags flags, nuint alignment)
    {
        Version.BeginWrite();
        Bytes = bytes;
        Flags = (ushort)flags;
        AlignPages = (uint)(alignment >> Pfn.FrameShift);
        Version.EndWrite();
    }

    /// <summary>All pages of the range, the guard page among them.</summary>
    public readonly PageRange Range => new(Start, Pages + GuardPages);
}
