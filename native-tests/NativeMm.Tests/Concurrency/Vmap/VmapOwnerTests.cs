using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Vmap;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Vmap;

/// <summary>What is looked at without a lock is of one owner, while a range goes from one to the next.</summary>
public sealed unsafe class VmapOwnerTests
{
    private const nuint Page = Pfn.FrameBytes;
    private const int Rounds = 3000;

    [LinuxFact]
    public void Read_never_shows_the_bytes_of_an_earlier_owner()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        const nuint Pages = 256;
        nuint at = (nuint)vmap.Alloc(Pages * Page, VmapFlags.Zeroed);
        int phase = 0;
        int looks = 0;
        int leaks = 0;

        void Own()
        {
            for (int round = 0; GoesOn(round, Rounds, ref looks); round++)
            {
                new Span<byte>((void*)at, (int)(Pages * Page)).Fill(0xAA);
                vmap.Free((void*)at);
                Interlocked.Increment(ref phase); // odd: whatever is there now is the last owner's, or zero
                Assert.Equal(at, (nuint)vmap.Alloc(Pages * Page, VmapFlags.Zeroed));
                Interlocked.Increment(ref phase);
            }
        }

        void Look(Func<bool> goesOn)
        {
            Span<byte> bytes = stackalloc byte[64];
            while (goesOn())
            {
                int before = Volatile.Read(ref phase);
                nuint got = vmap.Read((void*)(at + ((Pages - 1) * Page)), bytes);
                Interlocked.MemoryBarrier();
                if (before % 2 != 0 && Volatile.Read(ref phase) == before)
                {
                    Volatile.Write(ref looks, looks + 1);
                    leaks += got != 0 && bytes[0] != 0 ? 1 : 0;
                }
            }
        }

        StartGate.RunBeside(1, _ => Own(), 1, (_, goesOn) => Look(goesOn));
        Assert.True(leaks == 0 && looks > 0, $"{leaks} of {looks} looks at a freed range saw the bytes of its last owner.");
    }

    [LinuxFact]
    public void Find_area_never_mixes_two_owners()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        void* at = vmap.Alloc(1);
        vmap.Free(at);
        string mixed = "";
        int looks = 0;

        void Own()
        {
            for (int round = 0; GoesOn(round, 1000 * Rounds, ref looks); round++)
            {
                vmap.Free(round % 2 == 0 ? vmap.Alloc(1) : vmap.Alloc(Page, VmapFlags.Zeroed));
            }
        }

        void Look(Func<bool> goesOn)
        {
            while (goesOn())
            {
                if (vmap.FindArea(at) is { State: VmapAreaState.Busy } area)
                {
                    Volatile.Write(ref looks, looks + 1);
                    mixed = (area.Bytes == 1) == (area.Flags == VmapFlags.None) ? mixed : area.ToString();
                }
            }
        }

        StartGate.RunBeside(1, _ => Own(), 1, (_, goesOn) => Look(goesOn));
        Assert.Equal("", mixed);
        Assert.True(looks > 0, "Nobody saw it in use.");
    }

    [LinuxFact]
    public void Read_sees_a_range_throughout_while_its_holder_resizes_it()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        byte* at = (byte*)vmap.Alloc(Page);
        *at = 7;
        int missed = 0;

        void Own()
        {
            for (int round = 0; round < 100 * Rounds; round++)
            {
                vmap.Realloc(at, 1 + ((nuint)round % Page));
            }
        }

        void Look(Func<bool> goesOn)
        {
            Span<byte> first = stackalloc byte[1];
            while (goesOn())
            {
                missed += vmap.Read(at, first) == 1 && first[0] == 7 ? 0 : 1;
            }
        }

        StartGate.RunBeside(1, _ => Own(), 1, (_, goesOn) => Look(goesOn));
        Assert.Equal(0, missed);
    }

    /// <summary>So many rounds, and up to a hundred times as many until somebody has looked at the right moment.</summary>
    private static bool GoesOn(int round, int rounds, ref int looks) => round < rounds || (Volatile.Read(ref looks) == 0 && round < 100L * rounds);
}
