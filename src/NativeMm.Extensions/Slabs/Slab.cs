using System.Numerics;
using NativeMm.Platform;

namespace NativeMm.Slabs;

/// <summary>
/// A pinned managed array cut into equal blocks that begin at a page. Which blocks are free and which have memory behind them is kept beside it. Under the
/// lock of its class.
/// </summary>
internal sealed class Slab
{
    private readonly ulong[] _free;
    private readonly ulong[] _resident;

    /// <summary>Makes a slab whose blocks are all free, without memory behind them.</summary>
    /// <param name="owner">Whose blocks.</param>
    /// <param name="blockBytes">Size of a block.</param>
    /// <param name="blockCount">How many.</param>
    /// <param name="pageBytes">What the first block is aligned to.</param>
    /// <exception cref="OutOfMemoryException">There is no managed memory for it.</exception>
    public Slab(SlabClass owner, int blockBytes, int blockCount, int pageBytes)
    {
        Class = owner;
        BlockBytes = blockBytes;
        Array = GC.AllocateUninitializedArray<byte>((blockBytes * blockCount) + pageBytes, pinned: true);
        nuint begin = AddressOf(Array);
        nuint first = (begin + (nuint)pageBytes - 1) & ~((nuint)pageBytes - 1);
        Offset = (int)(first - begin);
        Address = first;
        _free = Ones(blockCount);
        _resident = new ulong[_free.Length];
        Blocks = new SlabBlock[blockCount];
        for (int i = 0; i < blockCount; i++)
        {
            Blocks[i] = new SlabBlock(this, i);
        }

        FreeCount = blockCount;
    }

    /// <summary>Whose blocks these are.</summary>
    public SlabClass Class { get; }

    /// <summary>Size of a block.</summary>
    public int BlockBytes { get; }

    /// <summary>The memory. It never moves.</summary>
    public byte[] Array { get; }

    /// <summary>Where in the array the first block begins.</summary>
    public int Offset { get; }

    /// <summary>Address of the first block.</summary>
    public nuint Address { get; }

    /// <summary>The blocks by number.</summary>
    public SlabBlock[] Blocks { get; }

    /// <summary>Blocks that are free.</summary>
    public int FreeCount { get; private set; }

    /// <summary>Of these, how many have memory behind them.</summary>
    public int ResidentFreeCount { get; private set; }

    /// <summary>The pass in which the slab was last more than an address.</summary>
    public int LastUse { get; set; }

    /// <summary>Whether all blocks are free and none has memory behind it.</summary>
    public bool IsEmpty => FreeCount == Blocks.Length && ResidentFreeCount == 0;

    /// <summary>Takes the lowest free block, of those with memory behind them or of all.</summary>
    /// <param name="residentOnly">Which.</param>
    /// <param name="wasResident">Whether it has memory behind it.</param>
    public SlabBlock Take(bool residentOnly, out bool wasResident)
    {
        for (int word = 0; word < _free.Length; word++)
        {
            ulong candidates = residentOnly ? _free[word] & _resident[word] : _free[word];
            if (candidates != 0)
            {
                ulong bit = candidates & (~candidates + 1);
                wasResident = (_resident[word] & bit) != 0;
                _free[word] &= ~bit;
                _resident[word] |= bit;
                FreeCount--;
                ResidentFreeCount -= wasResident ? 1 : 0;
                return Blocks[(word * 64) + BitOperations.TrailingZeroCount(bit)];
            }
        }

        throw new InvalidOperationException("The slab has no such block.");
    }

    /// <summary>Takes a block back, with the memory behind it.</summary>
    public void Put(int index)
    {
        _free[index >> 6] |= 1UL << (index & 63);
        FreeCount++;
        ResidentFreeCount++;
    }

    /// <summary>
    /// Takes the free blocks out that have memory behind them and have lain for long enough, in runs whose whole pages can go back. They are nobody's until
    /// <see cref="EndDiscard"/>.
    /// </summary>
    /// <param name="now">The number of this pass.</param>
    /// <param name="age">For how many passes they have to have lain.</param>
    /// <param name="pageBytes">Size of a page.</param>
    /// <param name="runs">Receives first block and count of each run.</param>
    public void BeginDiscard(int now, int age, nuint pageBytes, List<SlabRun> runs)
    {
        for (int i = 0; ResidentFreeCount > 0 && i < Blocks.Length; i++)
        {
            int end = i;
            while (end < Blocks.Length && IsIdle(end, now, age))
            {
                end++;
            }

            if (end > i)
            {
                var range = new AddressRange(Address + ((nuint)i * (nuint)BlockBytes), (nuint)(end - i) * (nuint)BlockBytes);
                AddressRange pages = range.WholePages(pageBytes);
                int first = (int)((pages.Address - Address + (nuint)BlockBytes - 1) / (nuint)BlockBytes);
                int last = (int)((pages.Address + pages.Bytes - Address) / (nuint)BlockBytes);
                if (pages.Bytes != 0 && last > first)
                {
                    runs.Add(new SlabRun(this, first, last - first, pages));
                    MarkTaken(first, last);
                }

                i = end;
            }
        }
    }

    /// <summary>Makes the blocks of a run free again, without memory behind them if the system took the pages.</summary>
    public void EndDiscard(SlabRun run, bool discarded)
    {
        for (int i = run.First; i < run.First + run.Count; i++)
        {
            _free[i >> 6] |= 1UL << (i & 63);
            if (discarded)
            {
                _resident[i >> 6] &= ~(1UL << (i & 63));
            }
        }

        FreeCount += run.Count;
        ResidentFreeCount += discarded ? 0 : run.Count;
    }

    /// <summary>Whether all blocks are free and have lain for long enough, for systems that take no pages back.</summary>
    public bool IsIdleAsAWhole(int now, int age) => FreeCount == Blocks.Length && Blocks.All(block => block.IdleSince <= now - age);

    /// <summary>Counts anew and compares.</summary>
    public bool IsConsistent()
    {
        int free = _free.Sum(word => BitOperations.PopCount(word));
        int resident = _free.Zip(_resident).Sum(pair => BitOperations.PopCount(pair.First & pair.Second));
        return free == FreeCount && resident == ResidentFreeCount && AddressOf(Array) + (nuint)Offset == Address;
    }

    private bool IsIdle(int index, int now, int age)
    {
        ulong bit = 1UL << (index & 63);
        return (_free[index >> 6] & _resident[index >> 6] & bit) != 0 && Blocks[index].IdleSince <= now - age;
    }

    private void MarkTaken(int first, int last)
    {
        for (int i = first; i < last; i++)
        {
            _free[i >> 6] &= ~(1UL << (i & 63));
        }

        FreeCount -= last - first;
        ResidentFreeCount -= last - first;
    }

    private static unsafe nuint AddressOf(byte[] array)
    {
        fixed (byte* first = array)
        {
            return (nuint)first;
        }
    }

    private static ulong[] Ones(int count)
    {
        var words = new ulong[(count + 63) / 64];
        System.Array.Fill(words, ulong.MaxValue);
        if ((count & 63) != 0)
        {
            words[^1] = (1UL << (count & 63)) - 1;
        }

        return words;
    }
}
