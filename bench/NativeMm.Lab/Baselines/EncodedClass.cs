using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines;

/// <summary>A size class with its lock and what it guards.</summary>
/// <param name="index">Its number.</param>
/// <param name="slotBytes">Bytes of a slot, head included.</param>
internal sealed class EncodedClass<TStatistics>(int index, int slotBytes)
    where TStatistics : unmanaged, ILockStatistics
{
    /// <summary>The lock.</summary>
    public SpinLock<TStatistics> Lock;

    /// <summary>Its number.</summary>
    public int Index { get; } = index;

    /// <summary>Bytes of a slot.</summary>
    public int SlotBytes { get; } = slotBytes;

    /// <summary>Slots of a block.</summary>
    public int SlotsPerBlock { get; } = EncodedGeometry.BlockBytes / slotBytes;

    /// <summary>Blocks with room, in no order.</summary>
    public List<EncodedBlock> Roomy { get; } = [];

    /// <summary>Objects.</summary>
    public long Used { get; set; }

    /// <summary>Slots.</summary>
    public long Slots { get; set; }

    /// <summary>Bytes that compaction copied.</summary>
    public long BytesMoved { get; set; }

    /// <summary>First of the dead cells that belong to the class, or <see cref="EncodedCell.NextMax"/>.</summary>
    public uint DeadCell { get; set; } = EncodedCell.NextMax;

    /// <summary>Puts a block among those with room.</summary>
    public void AddRoomy(EncodedBlock block)
    {
        block.Index = Roomy.Count;
        Roomy.Add(block);
    }

    /// <summary>Takes a block away from those with room.</summary>
    public void RemoveRoomy(EncodedBlock block)
    {
        EncodedBlock last = Roomy[^1];
        Roomy[block.Index] = last;
        last.Index = block.Index;
        Roomy.RemoveAt(Roomy.Count - 1);
        block.Index = -1;
    }
}
