// Purpose      records and nodes of one space: taken by its writer, used again when no reader without the lock can hold them any more.
// States       free → taken → retired (pending in the section, then in a bag with its epoch) → free.
// Ownership    everything | the writer of the space | the same | plain. What readers without the lock look at are the records and nodes themselves.
// Ordering     [E2] of EpochDomain: an epoch is read behind a full fence, behind the publishing of the tree without them.
// Reuse        three bags suffice, as in EpochDomain: an item of epoch e can go from e + 2 on, and its bag is used again in e + 3. The memory of a record
//              never becomes anything but a record before the space ends, so a state that is looked at late is the state of a record.
// Reserve      whatever makes the layout larger leaves ReserveBytes untouched; what makes it smaller may use them, and waits for the readers that are inside
//              before it gives up: so an unmap that cuts nothing never fails for want of memory, as long as faults in flight end.

using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>Where the records and nodes of one space come from and go to. Guarded by the space's lock, as its writer.</summary>
internal sealed unsafe partial class VmaStore
{
    /// <summary>Bytes of a chunk unless told otherwise; the system commits them as they are touched.</summary>
    public const nuint DefaultChunkBytes = 1 << 20;

    private const nuint HeadBytes = 512;
    private const int BagCount = 3;

    private readonly IMemoryPlatform _platform;
    private readonly nuint _chunkBytes;

    // Each chunk begins with the address and the length of the one before it and of itself.
    private nuint _newest;
    private nuint _next;
    private nuint _end;
    private LinkList _freeRecords;
    private LinkList _freeNodes;

    /// <summary>Makes a store without memory.</summary>
    /// <param name="platform">Where chunks come from.</param>
    /// <param name="epochs">The epochs of readers without the lock.</param>
    /// <param name="chunkBytes">Length of a chunk.</param>
    public VmaStore(IMemoryPlatform platform, EpochDomain epochs, nuint chunkBytes = DefaultChunkBytes)
    {
        _platform = platform;
        _chunkBytes = chunkBytes;
        Epochs = epochs;
    }

    /// <summary>The epochs of readers without the lock.</summary>
    public EpochDomain Epochs { get; }

    /// <summary>Bytes that only what makes the layout smaller may use.</summary>
    public nuint ReserveBytes => nuint.Min(_chunkBytes / 4, 64 << 10);

    /// <summary>Bytes of all chunks.</summary>
    public nuint ChunkBytes { get; private set; }

    /// <summary>Records that were ever taken.</summary>
    public long RecordsMade { get; private set; }

    /// <summary>Nodes that were ever taken.</summary>
    public long NodesMade { get; private set; }

    /// <summary>Records that nobody has.</summary>
    public long FreeRecords => _freeRecords.Count;

    /// <summary>Nodes that nobody has.</summary>
    public long FreeNodes => _freeNodes.Count;

    /// <summary>Makes sure of room for records and nodes, so that taking them cannot fail.</summary>
    /// <param name="records">Records that will be taken.</param>
    /// <param name="nodes">Nodes that will be taken.</param>
    /// <param name="growing">Whether the layout becomes larger by it.</param>
    /// <returns>False when the system has no memory for it.</returns>
    public bool TryReserve(long records, long nodes, bool growing)
    {
        Invariant.Assert(records >= 0 && nodes >= 0, $"{records} records and {nodes} nodes are reserved.");
        if (Fits(records, nodes, growing))
        {
            return true;
        }

        Recycle();
        if (Fits(records, nodes, growing) || TryAddChunk(Wanted(records, nodes) + ReserveBytes))
        {
            return true;
        }

        if (growing)
        {
            return false;
        }

        Reclaim();
        return Fits(records, nodes, growing: false);
    }

    /// <summary>Takes a record that was reserved, for an area.</summary>
    public Vma* TakeRecord(AreaSpec spec)
    {
        var record = (Vma*)_freeRecords.Pop();
        if (record == null)
        {
            record = (Vma*)Carve(Vma.Bytes);
            RecordsMade++;
        }

        Invariant.Assert(!spec.Pages.IsEmpty, $"A record is taken for {spec.Pages}.");
        Invariant.Assert(record->StateWord == 0 || record->State.IsDetached, $"The record of {record->Range} is taken and is in use.");
        record->Begin(spec);
        return record;
    }

    /// <summary>Takes a node that was reserved, without entries.</summary>
    public VmaNode* TakeNode(int height)
    {
        var node = (VmaNode*)_freeNodes.Pop();
        if (node == null)
        {
            node = (VmaNode*)Carve(VmaNode.Bytes);
            NodesMade++;
        }

        Invariant.Assert(height is >= 0 and < 32, $"A node of height {height} is taken.");
        node->Count = 0;
        node->Height = height;
        return node;
    }

    /// <summary>Gives all memory back. Nobody reads any of it any more.</summary>
    public void Release()
    {
        while (_newest != 0)
        {
            nuint before = ((nuint*)_newest)[0];
            _platform.ReleaseOrKeep(_newest, ((nuint*)_newest)[1]);
            _newest = before;
        }

        _next = 0;
        _end = 0;
        _freeRecords = default;
        _freeNodes = default;
        ForgetRetired();
    }

    private nuint Wanted(long records, long nodes) =>
        ((nuint)long.Max(records - _freeRecords.Count, 0) * Vma.Bytes) + ((nuint)long.Max(nodes - _freeNodes.Count, 0) * VmaNode.Bytes);

    private bool Fits(long records, long nodes, bool growing) =>
        Wanted(records, nodes) + (growing ? ReserveBytes : 0) <= _end - _next;

    private nuint Carve(nuint bytes)
    {
        nuint address = _next;
        Invariant.Assert(_next % Vma.Bytes == 0 && bytes % Vma.Bytes == 0, $"An item of {bytes} bytes is taken at 0x{_next:x}.");
        _next += bytes;
        Invariant.Assert(_next != 0 && _next <= _end, $"An item of {bytes} bytes was taken and not reserved.");
        return address;
    }

    private bool TryAddChunk(nuint room)
    {
        nuint bytes = nuint.Max(_chunkBytes, (room + HeadBytes + _platform.PageBytes - 1) & ~(_platform.PageBytes - 1));
        if (!_platform.Reserve(bytes, _platform.PageBytes, out nuint chunk).Succeeded)
        {
            return false;
        }

        Invariant.Assert(chunk != 0 && _next <= _end, $"A chunk at 0x{chunk:x} follows one with 0x{_next:x} behind its end.");
        UseUp();
        ((nuint*)chunk)[0] = _newest;
        ((nuint*)chunk)[1] = bytes;
        _newest = chunk;
        _next = chunk + HeadBytes;
        _end = chunk + bytes;
        ChunkBytes += bytes;
        return true;
    }

    /// <summary>What is left of the newest chunk becomes free nodes and records.</summary>
    private void UseUp()
    {
        while (_end - _next >= VmaNode.Bytes)
        {
            _freeNodes.Push(Carve(VmaNode.Bytes));
            NodesMade++;
        }

        while (_end - _next >= Vma.Bytes)
        {
            nuint record = Carve(Vma.Bytes);
            ((Vma*)record)->Detach();
            _freeRecords.Push(record);
            RecordsMade++;
        }
    }
}
