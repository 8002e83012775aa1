using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Has the steps of a work made by two threads of a case: the one that has it to do, and one that helps.</summary>
/// <param name="zone">Whose pages are given back.</param>
/// <param name="stepsAtOnce">So many steps share what one thread may have out at a time.</param>
/// <param name="begins">What happens before the first step.</param>
internal sealed unsafe class PairRelease(FrameFixture zone, int stepsAtOnce, Action begins) : IPageRelease
{
    private IStepwiseWork? _work;
    private ulong _hasLeft;

    /// <summary>Whether whoever has the work to do goes away without a look whether the other one has.</summary>
    public bool LeavesEarly { get; init; }

    /// <summary>Waits until the work has begun, or will not.</summary>
    public void AwaitWork()
    {
        while (CaseAtomics.LoadAcquire(ref _work) is null)
        {
            CaseAtomics.AwaitChange();
        }
    }

    /// <summary>What the second thread does.</summary>
    public void Help()
    {
        AwaitWork();
        MakeSteps(_work!);
        CaseAtomics.StoreRelease(ref _hasLeft, 1);
    }

    /// <summary>No work will come any more: the second thread need not wait for it.</summary>
    public void End()
    {
        if (_work is null)
        {
            CaseAtomics.StoreRelease(ref _work, new NoWork());
        }
    }

    public bool TryShare(IStepwiseWork work, ulong bytes)
    {
        begins();
        CaseAtomics.StoreRelease(ref _work, work);
        MakeSteps(work);
        while (!LeavesEarly && CaseAtomics.LoadAcquire(ref _hasLeft) == 0)
        {
            CaseAtomics.AwaitChange();
        }

        return true;
    }

    public bool IsWorth(ulong bytes) => true;

    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode)
    {
        foreach (AddressRange range in ranges)
        {
            for (nuint offset = 0; offset < range.Bytes; offset += (nuint)Pfn.FrameBytes << Order.Huge.Value)
            {
                zone.Discard(zone.Frames.Zone.FrameOf((void*)(range.Address + offset)), Order.Huge);
            }
        }

        return PlatformResult.Success;
    }

    public bool Release(nuint address, nuint bytes) => true;

    public bool ReleaseFile(int file, nuint offset, nuint bytes) => true;

    private void MakeSteps(IStepwiseWork work)
    {
        while (!work.IsOver)
        {
            work.Step(stepsAtOnce);
        }
    }

    private sealed class NoWork : IStepwiseWork
    {
        public bool IsOver => true;

        public ulong Step(int threadsMax) => 0;
    }
}
