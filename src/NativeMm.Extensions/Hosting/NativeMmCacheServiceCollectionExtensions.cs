using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Options;
using NativeMm.Extensions;
using NativeMm.Runtime;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The cache of NativeMm in a service.</summary>
public static class NativeMmCacheServiceCollectionExtensions
{
    // One and the same delegate, by which the registration is known again.
    internal static Func<IServiceProvider, object> Resolve { get; } = static services => services.GetRequiredService<NativeDistributedCache>();

    /// <summary>
    /// Adds a <see cref="NativeDistributedCache"/> as a singleton, and makes it the <see cref="IDistributedCache"/> of the service: what is registered last counts. It
    /// is an <see cref="IBufferDistributedCache"/>, lies on the service's runtime (<c>AddNativeMm</c>, which this calls) and gives memory to its budget. Calling it
    /// again only adds to the options.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options; what the configuration says in <c>NativeMm:DistributedCache</c> is in them already.</param>
    /// <returns>To put a second tier behind it.</returns>
    /// <remarks>Options that are wrong stop the start with an <see cref="OptionsValidationException"/> that names key, value and range.</remarks>
    /// <exception cref="ArgumentNullException">The services are null.</exception>
    public static NativeDistributedCacheBuilder AddNativeMmDistributedCache(
        this IServiceCollection services, Action<NativeDistributedCacheOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddNativeMm(configure is null ? null : options => configure(options.DistributedCache));
        if (!services.Any(service => service.ServiceType == typeof(NativeDistributedCache)))
        {
            services.AddSingleton(Make);
            services.Add(new ServiceDescriptor(typeof(IDistributedCache), Resolve, ServiceLifetime.Singleton));
            services.AddSingleton<IMemoryPressureHandler>(static provider =>
            {
                NativeDistributedCache cache = provider.GetRequiredService<NativeDistributedCache>();
                return new CachePressureHandler(cache.Trim, () => cache.GetStatistics().Local.UsedBytes);
            });
        }

        return new NativeDistributedCacheBuilder(services);
    }

    /// <summary>
    /// Makes a <see cref="NativeOutputCacheStore"/> the store of output caching (<c>AddOutputCache</c>, before or after this): what is registered last counts. It
    /// lies on the service's runtime (<c>AddNativeMm</c>, which this calls) and gives memory to its budget. Calling it again only adds to the options.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options; what the configuration says in <c>NativeMm:OutputCache</c> is in them already.</param>
    /// <returns>The services.</returns>
    /// <remarks>Options that are wrong stop the start with an <see cref="OptionsValidationException"/> that names key, value and range.</remarks>
    /// <exception cref="ArgumentNullException">The services are null.</exception>
    public static IServiceCollection AddNativeMmOutputCache(this IServiceCollection services, Action<NativeOutputCacheOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddNativeMm(configure is null ? null : options => configure(options.OutputCache));
        if (!services.Any(service => service.ServiceType == typeof(NativeOutputCacheStore)))
        {
            services.AddSingleton(static provider => new NativeOutputCacheStore(
                provider.GetRequiredService<MemoryRuntime>(),
                provider.GetRequiredService<IOptions<NativeMmOptions>>().Value.OutputCache,
                provider.GetRequiredService<TimeProvider>()));
            services.AddSingleton<IOutputCacheStore>(static provider => provider.GetRequiredService<NativeOutputCacheStore>());
            services.AddSingleton<IMemoryPressureHandler>(static provider =>
            {
                NativeOutputCacheStore store = provider.GetRequiredService<NativeOutputCacheStore>();
                return new CachePressureHandler(store.Trim, () => store.GetStatistics().UsedBytes);
            });
        }

        return services;
    }

    private static NativeDistributedCache Make(IServiceProvider services) => new(
        services.GetRequiredService<MemoryRuntime>(),
        services.GetRequiredService<IOptions<NativeMmOptions>>().Value.DistributedCache,
        services.GetService<SecondTierSource>()?.Make(services),
        services.GetRequiredService<TimeProvider>(),
        services.GetService<IMeterFactory>());
}
