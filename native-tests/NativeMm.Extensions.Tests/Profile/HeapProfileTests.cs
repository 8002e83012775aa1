using System.Runtime.CompilerServices;
using NativeMm.Heap;
using NativeMm.Heap.Profile;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Extensions.Tests.Profile;

public sealed unsafe class HeapProfileTests
{
    private const int Interval = 4096;

    [Fact]
    public void Profile_has_the_shape_that_readers_of_heap_profiles_expect()
    {
        using MemoryRuntime runtime = Make();
        AllocateHere(runtime.Heap, 2000, 1000);
        PprofProfile profile = Write(runtime);
        Assert.Equal("", profile.Strings[0]);
        Assert.Equal(["alloc_objects/count", "alloc_space/bytes", "inuse_objects/count", "inuse_space/bytes"], profile.Types);
        Assert.Equal("inuse_space", profile.Strings[(int)profile.DefaultType]);
        Assert.Equal((ulong)Interval, profile.Period);
        Assert.Equal([1UL], profile.Mappings);
        Assert.True(profile.TimeNanos > 1_600_000_000_000_000_000);
        Assert.NotEmpty(profile.Samples);
        Assert.All(profile.Samples, sample => Assert.Equal(4, sample.Values.Length));
        (string[] stack, _) = profile.Samples.MaxBy(sample => sample.Values[3]);
        Assert.EndsWith(nameof(AllocateHere), stack[0], StringComparison.Ordinal);
        Assert.Contains(stack, name => name.EndsWith(nameof(Profile_has_the_shape_that_readers_of_heap_profiles_expect), StringComparison.Ordinal));
    }

    /// <summary>A function is known by its name without arguments, as readers show it, and has the rest in its second name.</summary>
    [Fact]
    public void Generic_methods_lambdas_and_local_functions_have_names_of_their_own()
    {
        using MemoryRuntime runtime = Make();
        GenericPlace<string>.Allocate<int>(runtime.Heap);
        Action lambda = () => GenericPlace<int>.Allocate<long>(runtime.Heap);
        lambda();
        Local();
        PprofProfile profile = Write(runtime);
        string[][] stacks = [.. profile.Samples.Select(sample => sample.Stack).Where(stack => stack[0] == "NativeMm.Extensions.Tests.Profile.GenericPlace`1.Allocate[U]")];
        Assert.Contains(stacks, stack => stack[1].EndsWith(nameof(Generic_methods_lambdas_and_local_functions_have_names_of_their_own), StringComparison.Ordinal));
        Assert.Contains(stacks, stack => stack[1].Contains($"<{nameof(Generic_methods_lambdas_and_local_functions_have_names_of_their_own)}>b__", StringComparison.Ordinal));
        Assert.Contains(stacks, stack => stack[1].Contains("g__Local|", StringComparison.Ordinal));
        Assert.All(profile.Samples.SelectMany(sample => sample.Stack), name => Assert.DoesNotContain('(', name));
        Assert.Equal(profile.Strings.Count, profile.Strings.Distinct().Count());

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Local() => GenericPlace<nint>.Allocate<byte>(runtime.Heap);
    }

    [Fact]
    public void Values_are_estimates_of_everything_and_follow_frees()
    {
        const int Count = 20_000;
        const int Bytes = 512;
        using MemoryRuntime runtime = Make();
        nint[] blocks = AllocateHere(runtime.Heap, Count, Bytes);
        ulong[] full = Write(runtime).SumOf(nameof(AllocateHere));
        Near(Count, full[0]);
        Near(Count * Bytes, full[1]);
        Near(Count, full[2]);
        Near(Count * Bytes, full[3]);
        runtime.Heap.FreeBulk(blocks.AsSpan(Count / 2));
        ulong[] half = Write(runtime).SumOf(nameof(AllocateHere));
        Assert.Equal(full[1], half[1]);
        Near(Count * Bytes / 2, half[3]);
        runtime.Heap.FreeBulk(blocks.AsSpan(0, Count / 2));
        ulong[] none = Write(runtime).SumOf(nameof(AllocateHere));
        Assert.Equal((0UL, 0UL), (none[2], none[3]));
        Assert.Equal(full[0], none[0]);
        runtime.Validate();
    }

    [Fact]
    public void Large_blocks_stand_for_themselves_and_keep_their_place_when_they_grow()
    {
        const nuint Bytes = 8 << 20;
        using MemoryRuntime runtime = Make();
        void* block = AllocateLarge(runtime.Heap, Bytes);
        Near((ulong)Bytes, Write(runtime).SumOf(nameof(AllocateLarge))[3]);
        block = runtime.Heap.Realloc(block, 4 * Bytes);
        Assert.True(Write(runtime).SumOf(nameof(AllocateLarge))[3] > 0);
        runtime.Heap.Free(block);
        Assert.Equal(0UL, Write(runtime).SumOf(nameof(AllocateLarge))[3]);
    }

    [Fact]
    public void A_block_of_a_great_many_samples_is_entered_at_once()
    {
        var profile = new HeapProfile(Interval, timePercentMax: 100);
        const double Bytes = 1L << 50;
        Assert.InRange(profile.Due(Bytes) * (double)Interval, Bytes - (64 * Interval), Bytes + (64 * Interval));
    }

    /// <summary>A program that allocates all that it holds at its start would otherwise be shown with the first sample alone.</summary>
    [Fact]
    public void Burst_has_samples_of_its_own_before_the_bound_on_time_holds()
    {
        var profile = new HeapProfile(Interval, timePercentMax: 1);
        int samples = 0;
        for (; samples < 1_000_000 && profile.Due(64.0 * Interval) is var due and > 0; samples++)
        {
            profile.Add((nuint)(samples + 1) << 20, Interval, due, isSmall: true, heapTag: 0);
        }

        // Of 20 ms none counts for more than 5.
        Assert.InRange(samples, 4, 999_999);
    }

    [Fact]
    public void Small_blocks_without_room_do_not_count_at_the_place_of_a_large_one()
    {
        var profile = new HeapProfile(Interval, timePercentMax: 100);
        profile.Skip(int.MaxValue);
        profile.Skip(int.MaxValue);
        profile.Add(1 << 20, Interval, due: 1, isSmall: false, heapTag: 0);
        Assert.Equal(Interval, profile.Snapshot().Single().AllocatedBytes);
        profile.Add(2 << 20, Interval, due: 1, isSmall: true, heapTag: 0);
        Assert.Equal(Interval * (2 + (2L * int.MaxValue)), profile.Snapshot().Sum(site => site.AllocatedBytes));
    }

    [Fact]
    public void Heap_that_ends_takes_its_blocks_out_of_the_profile()
    {
        using MemoryRuntime runtime = Make();
        NativeHeap heap = runtime.CreateHeap("short");
        AllocateHere(heap, 5000, 1000);
        Assert.True(Write(runtime).SumOf(nameof(AllocateHere))[3] > 0);
        heap.Dispose();
        Assert.Equal(0UL, Write(runtime).SumOf(nameof(AllocateHere))[3]);
    }

    [Fact]
    public void Zeroed_blocks_read_as_zero_also_as_samples()
    {
        using MemoryRuntime runtime = Make();
        for (int i = 0; i < 300; i++)
        {
            nuint bytes = (nuint)(1000 + (i * 300));
            void* dirty = runtime.Heap.Alloc(bytes);
            new Span<byte>(dirty, (int)bytes).Fill(9);
            runtime.Heap.Free(dirty);
            void* block = runtime.Heap.AllocZeroed(bytes);
            Assert.Equal(-1, new Span<byte>(block, (int)bytes).IndexOfAnyExcept((byte)0));
            Assert.True(runtime.Heap.UsableSize(block) >= bytes);
        }

        Assert.True(Write(runtime).Samples.Any());
        runtime.Validate();
    }

    [Fact]
    public void Profile_that_is_not_kept_is_refused_with_the_option_that_is_missing()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
        using var stream = new MemoryStream();
        Assert.Contains("HeapProfile", Assert.Throws<InvalidOperationException>(() => runtime.WriteHeapProfile(stream)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => runtime.WriteHeapProfile(null!));
        Assert.Equal(0, stream.Length);
    }

    // The samples are a Poisson process, thousands of them: a fifth is many deviations away.
    private static void Near(double expected, double actual) => Assert.InRange(actual, expected * 0.8, expected * 1.2);

    // Without the bound on time, which would leave most of so many samples to a later one.
    private static MemoryRuntime Make() => new(new MemoryRuntimeOptions
    {
        CapacityBytes = 256 << 20,
        HeapProfile = true,
        HeapProfileIntervalBytes = Interval,
        HeapProfileTimePercentMax = 100,
        BackgroundTrim = false,
    });

    private static PprofProfile Write(MemoryRuntime runtime)
    {
        using var stream = new MemoryStream();
        runtime.WriteHeapProfile(stream);
        Assert.True(stream.CanWrite);
        return PprofProfile.Read(stream.ToArray());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint[] AllocateHere(NativeHeap heap, int count, int bytes)
    {
        var blocks = new nint[count];
        for (int i = 0; i < count; i++)
        {
            blocks[i] = (nint)heap.Alloc((nuint)bytes);
        }

        return blocks;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void* AllocateLarge(NativeHeap heap, nuint bytes) => heap.Alloc(bytes);
}
