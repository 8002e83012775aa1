using NativeMm.Primitives;
using Xunit;
using Xunit.Abstractions;

namespace NativeMm.Tests.Litmus;

public sealed class OrderingLitmusTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(1);

    [Fact]
    public void Message_arrives_whole_when_published_by_release() => AssertNeverForbidden<MessagePassing>();

    [Fact]
    public void Control_that_publishes_before_it_writes_is_caught() => AssertCaught<PublishBeforeWrite>();

    [Fact]
    public void One_side_sees_the_other_with_two_full_fences() => AssertNeverForbidden<FencedStoreBuffering>();

    [Fact]
    public void One_side_sees_the_other_with_one_process_wide_fence() => AssertNeverForbidden<AsymmetricStoreBuffering>();

    [Fact]
    public void Control_without_any_fence_is_caught() => AssertCaught<PlainStoreBuffering>();

    [Fact]
    public void Control_with_a_fence_on_one_side_only_is_caught() => AssertCaught<HalfFencedStoreBuffering>();

    private void AssertNeverForbidden<TCase>()
        where TCase : struct, ILitmusCase
    {
        LitmusReport report = LitmusRunner.Run<TCase>(s_duration);
        output.WriteLine(report.ToString());
        Assert.True(report.Verdict != LitmusVerdict.Violation, report.ToString());
    }

    /// <summary>A control that does not fail although both sides met would mean that the harness cannot see what it is for.</summary>
    private void AssertCaught<TCase>()
        where TCase : struct, ILitmusCase
    {
        LitmusReport report = LitmusRunner.Run<TCase>(5 * s_duration);
        output.WriteLine(report.ToString());
        Assert.True(report.Verdict != LitmusVerdict.Pass, report.ToString());
    }

    /// <summary>The left side writes X and publishes by Y. Saw: 10 × Y + X.</summary>
    private readonly struct MessagePassing : ILitmusCase
    {
        public static void Left(ref LitmusCell cell)
        {
            cell.X = 1;
            Atomic.StoreRelease(ref cell.Y, 1);
        }

        public static void Right(ref LitmusCell cell)
        {
            int published = Atomic.LoadAcquire(ref cell.Y);
            cell.RightSaw = (10 * published) + cell.X;
        }

        public static bool IsForbidden(in LitmusCell cell) => cell.RightSaw == 10;
    }

    /// <summary>The window is made a little wider than the two stores alone would leave it.</summary>
    private readonly struct PublishBeforeWrite : ILitmusCase
    {
        public static void Left(ref LitmusCell cell)
        {
            Atomic.StoreRelease(ref cell.Y, 1);
            Thread.SpinWait(1);
            Atomic.StoreRelease(ref cell.X, 1);
        }

        public static void Right(ref LitmusCell cell) => MessagePassing.Right(ref cell);

        public static bool IsForbidden(in LitmusCell cell) => MessagePassing.IsForbidden(cell);
    }

    /// <summary>Each side writes its word and looks at the other's; both may not see nothing. Saw: 1 + what was there.</summary>
    private readonly struct PlainStoreBuffering : ILitmusCase
    {
        public static void Left(ref LitmusCell cell)
        {
            cell.X = 1;
            cell.LeftSaw = 1 + cell.Y;
        }

        public static void Right(ref LitmusCell cell)
        {
            cell.Y = 1;
            cell.RightSaw = 1 + cell.X;
        }

        public static bool IsForbidden(in LitmusCell cell) => cell is { LeftSaw: 1, RightSaw: 1 };
    }

    private readonly struct FencedStoreBuffering : ILitmusCase
    {
        public static void Left(ref LitmusCell cell)
        {
            Atomic.StoreRelease(ref cell.X, 1);
            Atomic.FullFence();
            cell.LeftSaw = 1 + Atomic.LoadAcquire(ref cell.Y);
        }

        public static void Right(ref LitmusCell cell)
        {
            Atomic.StoreRelease(ref cell.Y, 1);
            Atomic.FullFence();
            cell.RightSaw = 1 + Atomic.LoadAcquire(ref cell.X);
        }

        public static bool IsForbidden(in LitmusCell cell) => PlainStoreBuffering.IsForbidden(cell);
    }

    /// <summary>The left side is the fast path: it has no fence at all.</summary>
    private readonly struct AsymmetricStoreBuffering : ILitmusCase
    {
        public static void Left(ref LitmusCell cell)
        {
            Atomic.StoreRelease(ref cell.X, 1);
            cell.LeftSaw = 1 + Atomic.LoadAcquire(ref cell.Y);
        }

        public static void Right(ref LitmusCell cell)
        {
            Atomic.StoreRelease(ref cell.Y, 1);
            Atomic.ProcessWideFence();
            cell.RightSaw = 1 + Atomic.LoadAcquire(ref cell.X);
        }

        public static bool IsForbidden(in LitmusCell cell) => PlainStoreBuffering.IsForbidden(cell);
    }

    /// <summary>
    /// What the asymmetric pair would be with an ordinary fence on its slow side. The fast side is plain: on arm64 a release store and an acquire
    /// load after it may be ordered by themselves.
    /// </summary>
    private readonly struct HalfFencedStoreBuffering : ILitmusCase
    {
        public static void Left(ref LitmusCell cell) => PlainStoreBuffering.Left(ref cell);

        public static void Right(ref LitmusCell cell) => FencedStoreBuffering.Right(ref cell);

        public static bool IsForbidden(in LitmusCell cell) => PlainStoreBuffering.IsForbidden(cell);
    }
}
