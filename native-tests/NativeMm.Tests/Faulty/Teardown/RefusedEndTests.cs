using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Faulty.Teardown;

/// <summary>
/// Any call of the system is refused during an end, each in turn, and by each error number: nothing is thrown, everything adds up, and in the end nothing is left but what the
/// system itself did not take, without its pages.
/// </summary>
public sealed class RefusedEndTests
{
    private const long SpaceBytes = 32 << 20;
    private const int FreeBlocks = 50;

    // With several threads the number of calls is not the same each time.
    private const int CallsMax = 400;

    public static TheoryData<EndKind, int> Cases
    {
        get
        {
            TheoryData<EndKind, int> data = [];
            foreach (EndKind kind in Enum.GetValues<EndKind>())
            {
                foreach (int errno in new[] { ErrorNumber.Invalid, ErrorNumber.TryAgain, ErrorNumber.OutOfMemory })
                {
                    data.Add(kind, errno);
                }
            }

            return data;
        }
    }

    [LinuxTheory]
    [MemberData(nameof(Cases))]
    public async Task One_refused_call_whichever_it_is_loses_nothing(EndKind kind, int errno)
    {
        int n = 1;
        while (await End(kind, errno, n, times: 1) && n < CallsMax)
        {
            n++;
        }

        Assert.True(n > 1 || kind is EndKind.SpaceDispose or EndKind.SpaceDisposeAsync or EndKind.UnmapAsync, "This end calls nobody.");
        Assert.NotEqual(CallsMax, n);
    }

    [LinuxTheory]
    [MemberData(nameof(Cases))]
    public async Task A_system_that_refuses_everything_from_some_call_on_stops_no_end(EndKind kind, int errno)
    {
        int n = 1;
        while (await End(kind, errno, n, times: int.MaxValue) && n < CallsMax)
        {
            n++;
        }

        Assert.NotEqual(CallsMax, n);
    }

    /// <summary>Makes a runtime with something of everything and ends a part of it, or all.</summary>
    /// <returns>Whether there was such a call.</returns>
    private static async Task<bool> End(EndKind kind, int errno, int n, int times)
    {
        var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Runtime.CreateHeap();
        Fill(heap);
        Fill(fixture.Runtime.Heap);
        fixture.FillVmap(1 << 20);
        AddressSpace space = fixture.Runtime.CreateAddressSpace();
        long mapped = space.Map(SpaceBytes, Protection.ReadWrite);
        for (long at = mapped; at < mapped + SpaceBytes; at += 1 << 20)
        {
            space.Write(at, at);
        }

        if (kind == EndKind.Trim)
        {
            FreeMuch(fixture);
        }

        fixture.Ledger.FailCall(n, errno, times: times);
        switch (kind)
        {
            case EndKind.Trim:
                fixture.Runtime.Trim();
                break;
            case EndKind.HeapDispose:
                heap.Dispose();
                break;
            case EndKind.HeapDisposeAsync:
                await heap.DisposeAsync().AsTask().WaitAsync(ReleaseFixture.Timeout);
                break;
            case EndKind.SpaceDispose:
                space.Dispose();
                break;
            case EndKind.SpaceDisposeAsync:
                await space.DisposeAsync().AsTask().WaitAsync(ReleaseFixture.Timeout);
                break;
            case EndKind.UnmapAsync:
                await space.UnmapAsync(mapped, SpaceBytes).WaitAsync(ReleaseFixture.Timeout);
                break;
            case EndKind.RuntimeDispose:
                fixture.Runtime.Dispose();
                break;
            default:
                await fixture.Runtime.DisposeAsync().AsTask().WaitAsync(ReleaseFixture.Timeout);
                break;
        }

        bool wasRefused = fixture.Ledger.Failures != 0;
        fixture.Ledger.FailNothing();
        if (kind is not (EndKind.RuntimeDispose or EndKind.RuntimeDisposeAsync))
        {
            Assert.Equal(0UL, fixture.AssertAddsUp().ReleasingBytes);
            fixture.Runtime.Validate();
            if (kind == EndKind.Trim)
            {
                // What was refused is given back by the next one.
                fixture.Runtime.Trim();
                Assert.True(fixture.Runtime.GetStatistics().Zone.ReportedFrames >= FreeBlocks * 512UL);
            }

            fixture.Runtime.Dispose();
        }

        fixture.Ledger.AssertOnlyRefusedIsLeft(withPages: times != 1);
        return wasRefused;
    }

    private static unsafe void Fill(NativeHeap heap)
    {
        *(byte*)heap.Alloc(8 << 20) = 1;
        void* kept = heap.Alloc(6 << 20);
        *(byte*)kept = 1;
        heap.Free(kept);
        for (int i = 0; i < 50; i++)
        {
            *(byte*)heap.Alloc(16 << 10) = 1;
        }
    }

    private static void FreeMuch(ReleaseFixture fixture)
    {
        var blocks = new Pfn[FreeBlocks];
        Assert.Equal(FreeBlocks, fixture.Runtime.Frames.AllocateBulk(Order.Huge, FrameFlags.None, blocks));
        fixture.Runtime.Frames.FreeBulk(blocks, Order.Huge);
    }
}
