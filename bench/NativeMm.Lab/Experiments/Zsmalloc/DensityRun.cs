using NativeMm.Frames;
using NativeMm.Lab.Baselines;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>
/// Stores compressed pages, many copies of them, and looks at what that takes in three stages: stored once; each replaced once, in any order, by
/// another page; any half of them removed. In each stage the subject gives back what it can before anybody looks.
/// </summary>
internal sealed class DensityRun
{
    private const int WarmUpObjects = 256;
    private const int Seed = 0x646e;

    private readonly CompressedPages _pages;
    private readonly int _objects;
    private readonly int[] _order;

    /// <summary>Prepares a run; its tables exist before the first look at what is resident.</summary>
    public DensityRun(CompressedPages pages, int copies)
    {
        _pages = pages;
        _objects = pages.Count * copies;
        _order = [.. Enumerable.Range(0, _objects)];
        new Random(Seed).Shuffle(_order);
    }

    /// <summary>Measures a variant.</summary>
    public Measurement Measure(string variant) => ZsPools.WithFrames(frames =>
    {
        using IDensitySubject subject = Create(frames, variant);
        return Measure(subject);
    });

    /// <summary>Measures a subject, which is empty at the end.</summary>
    public Measurement Measure(IDensitySubject subject)
    {
        WarmUp(subject);
        ulong before = ResidentMemory.Now;
        if (before == 0)
        {
            throw new NotSupportedException("This system does not tell how much memory is resident.");
        }

        double stored = Store(subject);
        (double Held, double Resident) fresh = Look(subject, before, stored);
        stored = Replace(subject);
        (double Held, double Resident) replaced = Look(subject, before, stored);
        var result = new Measurement()
            .Add("bytes_per_byte", replaced.Held)
            .Add("bytes_per_byte_fresh", fresh.Held)
            .Add("resident_per_byte", replaced.Resident);
        subject.Describe(result, stored);
        stored -= RemoveHalf(subject);
        result.Add("bytes_per_byte_halved", Look(subject, before, stored).Held);
        RemoveRest(subject);
        return result;
    }

    private static (double Held, double Resident) Look(IDensitySubject subject, ulong before, double stored)
    {
        subject.GiveBack();
        double resident = ((double)ResidentMemory.Now - before) / stored;
        return (subject.HeldBytes is { } held ? held / stored : resident, resident);
    }

    private IDensitySubject Create(IFrameAllocator frames, string variant) => variant switch
    {
        "zbud" => new ChunkSubject(frames, ChunkPagePool.Two, _objects),
        "z3fold" => new ChunkSubject(frames, ChunkPagePool.Three, _objects),
        "class-in-cell" => new EncodedSubject<ClassInCell>(frames, _objects),
        "class-in-handle" => new EncodedSubject<ClassInHandle>(frames, _objects),
        "class-in-object" => new EncodedSubject<ClassInObject>(frames, _objects),
        "nativemm" or "glibc" => AllocatorPeers.Accept<HeapSubjects, IDensitySubject>(variant, new HeapSubjects(_objects)),
        _ => new ZsPoolSubject(frames, variant, _objects),
    };

    // What the process needs itself for this work it has before the first look.
    private void WarmUp(IDensitySubject subject)
    {
        for (int i = 0; i < WarmUpObjects; i++)
        {
            subject.Put(i, PageOf(i));
        }

        for (int i = 0; i < WarmUpObjects; i++)
        {
            subject.Remove(i);
        }

        subject.GiveBack();
        _ = subject.HeldBytes;
        GC.Collect();
    }

    private double Store(IDensitySubject subject)
    {
        long stored = 0;
        for (int i = 0; i < _objects; i++)
        {
            subject.Put(i, PageOf(i));
            stored += PageOf(i).Length;
        }

        return stored;
    }

    private double Replace(IDensitySubject subject)
    {
        long stored = 0;
        foreach (int i in _order)
        {
            subject.Remove(i);
            subject.Put(i, SecondPageOf(i));
            stored += SecondPageOf(i).Length;
        }

        return stored;
    }

    // Every second one in the order of replacing, so that neighbours in time do not go together.
    private double RemoveHalf(IDensitySubject subject)
    {
        long removed = 0;
        for (int i = 0; i < _objects; i += 2)
        {
            subject.Remove(_order[i]);
            removed += SecondPageOf(_order[i]).Length;
        }

        return removed;
    }

    private void RemoveRest(IDensitySubject subject)
    {
        for (int i = 1; i < _objects; i += 2)
        {
            subject.Remove(_order[i]);
        }
    }

    private ReadOnlySpan<byte> PageOf(int number) => _pages[number % _pages.Count];

    // Half the set away, the size has nothing to do with that of the first.
    private ReadOnlySpan<byte> SecondPageOf(int number) => _pages[(number + (_pages.Count / 2)) % _pages.Count];
}
