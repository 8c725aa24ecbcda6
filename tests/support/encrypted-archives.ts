/**
 * Encrypted ZIP archives as other programs write them: the same 60 synthetic rows in claims.csv,
 * packed with the secret `correct horse`.
 */

/** What lies in each of them. */
export const ARCHIVED = `id|amount\n${Array.from({ length: 60 }, (_, at) => `${at + 1}|${(at + 1) * 7}.50\n`).join('')}`

export const ARCHIVED_SECRET = 'correct horse'

export const FOREIGN_ARCHIVES: Readonly<Record<string, Buffer>> = {
  '7-Zip 26.02': Buffer.from(
    [
      'UEsDBDMAAQBjAO5del0AAAAACQEAAEoCAAAKAAsAY2xhaW1zLmNzdgGZBwACAEFFAwgA/DncvkxO',
      'bgtmjzsLnkzemGQbfyZtUfESLPPVO5adqi63NXbxPLBZHT/gwNcsKOlZZQ/WuFlvA/x5GfBqBGkI',
      'CEaCRnEEMnBqxssWuROIMjavalr87vJUv3IPDW+ev4bvNtwH5FxtlHMp6RUVRV+bqiIZ6lvhp3aH',
      'WUFM26FAa4At/KqyMNjjSuOPFtcd7CcfDnroREr6ncBQXtRtoUHi6+FzancvPe6eaFFEQuBrhEHU',
      'keoZopL8TChvkiQF6oKUi8yjNcXq5YlVRt6xeXldSLOFvFfyUOfztPKk/lbFhCXLhoHzltFQ30pp',
      'lRnCEOTaxRFZoMq4o5V2xzL8KEvl7CKCVQKw9a/+NVBLAQI/AzMAAQBjAO5del0AAAAACQEAAEoC',
      'AAAKAC8AAAAAAAAAIICkgQAAAABjbGFpbXMuY3N2CgAgAAAAAAABABgAXa/J6Jt93QEAAAAAAAAA',
      'AAAAAAAAAAAAAZkHAAIAQUUDCABQSwUGAAAAAAEAAQBnAAAAPAEAAAAA',
    ].join(''),
    'base64',
  ),
  'bsdtar 3.6.2': Buffer.from(
    [
      'UEsDBBQACQBjAO1del0AAAAAAAAAAEoCAAAKACsAY2xhaW1zLmNzdlVUDQAHThwIa04cCGtOHAhr',
      'dXgLAAEEAAAAAAQAAAAAAZkHAAEAQUUDCABJfNpunJoUaHYoqct62uBZM5SAAMJNg1a5RhKt+IBY',
      'hR1chaCKmr9qCdf42xyd4EYszukXs9Qz1v1chEqICJoyJle9d+V6XSFo7O2V3OLt7F7uSlboZCUa',
      '1kafBNNLABB89z7NcScdAu43h+snCowBWrlnWPaZvMv3Rvci1VulLUmq1OtsLxYnxzZeU2cKS/Ya',
      'VKPuKOYzwtaqNcn9e4oPtspfr/xO7o8qtTKvaO8HeoZIt3jOOB0wjetgV9uRGUZDsLnntoRtLNiF',
      'EJew9d1NX+572yu5sXX5+mb5yf1Nfo6RvMi4XxD0FnidBWEM44boEWXVHaKagpuUN9hCm8askXCg',
      'fvEocQ4TUO82TcQvOQQ6jhcsYZb9aFBLBwiw8XBvGQEAAEoCAABQSwECFAMUAAkAYwDtXXpdsPFw',
      'bxkBAABKAgAACgArAAAAAAAAAAAApIEAAAAAY2xhaW1zLmNzdlVUDQAHThwIa04cCGtOHAhrdXgL',
      'AAEEAAAAAAQAAAAAAZkHAAEAQUUDCABQSwUGAAAAAAEAAQBjAAAAfAEAAAAA',
    ].join(''),
    'base64',
  ),
  'pyzipper 0.4.0, AE-1': Buffer.from(
    [
      'UEsDBBQAAQBjAO1del2w8XBvGQEAAEoCAAAKAAsAY2xhaW1zLmNzdgGZBwABAEFFAwgAEJH6569l',
      'vUR/SHtjDc/5mt/n/GX0kh1/Xj1VT5jGwP6FReKmxfcbSE8ZyFex8CTt2lgO0F4wT8125Fdw0CaF',
      '/ObCm4TFeWLNxlYMVvit0uotsPIIt+SSm2DRr06X9XMT2vApTfARcnz7am4BojAQWqyiyCdF16Dw',
      'Ii7JDtabs61maqkKw6W7Mn4yLxZZE2iFkKtR76udwLD1XlUS8apZg/LA9SzHdihgis2iyXcilDXb',
      '5iDJ3ttHQkgQZgPJNBDdgCxBs3Qrn8lryBmVIccffWElHZeW2OxbBa2rkmZ8Fo4jE6ely74xJK+n',
      'NS/X0UC9+n2tzGOm+s8012l5P/VG/DwTOIYAmZ2auSBLSdbW2j0yOIYcTKNV6P1QSwECFAMUAAEA',
      'YwDtXXpdsPFwbxkBAABKAgAACgALAAAAAAAAAAAAgAEAAAAAY2xhaW1zLmNzdgGZBwABAEFFAwgA',
      'UEsFBgAAAAABAAEAQwAAAEwBAAAAAA==',
    ].join(''),
    'base64',
  ),
  'pyzipper 0.4.0, AE-2, stored': Buffer.from(
    [
      'UEsDBBQAAQBjAO1del0AAAAAZgIAAEoCAAAKAAsAY2xhaW1zLmNzdgGZBwACAEFFAwAAkz93wrhw',
      'ef7TKrNKTtRF/UZDIcqwIx3keN/WDdc+qkrz+IxoGmSU3Taf3Is3lEXJiwVRxJHGIiuL309Q0Buk',
      '1IuJskRDnwwbdCvLoge4AOOUg8es5Mh1e7nka09lYsknMvDbCweNuWQTc1vLh0Xqfsvp1IH6Dvuc',
      'FLr877V95xFRuGCL3igfSoZno7JeZ4WwNmMwcr9CnTov3TKUBOL6GgpVuvxFWE4w/ly5L5Ohze+S',
      'UbpA8eYpkyS2aQgTBP+6DXy1bjndqsviucSpt5WNdw2rqHhFVgyfngo3BenTNrfKSKY1/wdVsh1k',
      'iGf10rROIxOVcndK00XghbDN0CvLebKTBqN6ptdpTFZ6LLFFKTo0ujBbHObDwrt018BPBvG/bEpF',
      '8eN8H766lw8di/0sCZaBBMOcxmf7o8x70fLI67vFw9NalDlRbnbdGrWxz2c+J7a7xUXa4cEAf/PG',
      'cfEcGAciOzHOdLC3+eY7H0VHFAmgb9+Mfp6FgNVhFfs8hj5JOliaPx7TJBlNeuTtWj4+IoG9nyQE',
      'VDAavMO+Wuoy9NEItWvWpsZ5jE/h042au2Hh+v/0HZvB1HFZpO+T7QRZg4KavaVboYVNeHqB7vYy',
      '4aIjtlkk6W/KEYDGyOro8LPu5Xi4T4WNM28uEMT5ZgaG2mOVR5QX3Aaa8OrnQMMsvyYXMoxvqAOA',
      '4Cjd7rgIhqhsJ4e5aSTJpMg6Esvux4TJwKH4q4JCBOU/6KoFfnC0hkvcohE/sgwnA/qzNRZEe+DW',
      'pUANTvEiHJWrvhmadn7F1cVUYA3tip0VqZYAErRKmWZeFkAwzY1QSwECFAMUAAEAYwDtXXpdAAAA',
      'AGYCAABKAgAACgALAAAAAAAAAAAAgAEAAAAAY2xhaW1zLmNzdgGZBwACAEFFAwAAUEsFBgAAAAAB',
      'AAEAQwAAAJkCAAAAAA==',
    ].join(''),
    'base64',
  ),
}

export const WEAK_ARCHIVES: Readonly<Record<string, Buffer>> = {
  'AES-128 by 7-Zip': Buffer.from(
    [
      'UEsDBDMAAQBjAO5del0AAAAAAQEAAEoCAAAKAAsAY2xhaW1zLmNzdgGZBwACAEFFAQgAIG8lyG0t',
      'TexmTPcJrQguNQco+6CbAwjr3hDnGcS6cXsor94x34ay/A26dtMhBfICwqkLHsD+GVtli+ne/l4d',
      'c5fDc1W/6Nw82AM2EBGSjs8rWxRuM2WmGIxCK3h0jVUof0lq8Tz4pzO44MtVBqBF22YQTJW0XACZ',
      '03U/cJWs2nTXs+LxuJ1T3kUKsnqxbnG6unO7817jwhMbxFXCrEZL/oTJjs96mqcSlQbys3Z3rRJz',
      '3c4nz/ZgQKVsX/oiqOMt1zzMKV7q+WhKyoqm1jGuSgW3BX5qMSiqaBfF4AGVeQ2/LhQ81YT3fxvo',
      'K0BlQZOoOrcroCFRuRbJsDGmfnzxF35QSwECPwMzAAEAYwDuXXpdAAAAAAEBAABKAgAACgAvAAAA',
      'AAAAACCApIEAAAAAY2xhaW1zLmNzdgoAIAAAAAAAAQAYAF2vyeibfd0BAAAAAAAAAAAAAAAAAAAA',
      'AAGZBwACAEFFAQgAUEsFBgAAAAABAAEAZwAAADQBAAAAAA==',
    ].join(''),
    'base64',
  ),
  'the old way by 7-Zip': Buffer.from(
    [
      'UEsDBBQAAQAIAO5del2w8XBv+QAAAEoCAAAKAAAAY2xhaW1zLmNzdiqi2LdqQ0S+yJWhX4t+fvof',
      '+aJnjnTSxxUddK7uAyvXq/0uxvQsaWyN4/J2+9MGMRWM1IuDPxnri5ASIdvQTsyh9MidhIcXpQAJ',
      'liYXIypJc0BZ1AEo4lSOvVLUedMP9e7v1hUyludQw+VDEa4QKJxZ8XD1YPc8bQ2UauC3qXNuvpZi',
      'HIyysN1fkPtbvbu1x07hvd53b16UzP+YzvQrlc8rnf0TmTiWIOJiYYFjKYcrTTCHlFnglf2WwB7R',
      'x+DiOuCH88S9E4sM9aOouLsFYCMd7Ns5/JISN9NbsaGOvKGKh+4Xwookrh0V9YMuicgIO2F57uP8',
      'RgLsNlBLAQI/AxQAAQAIAO5del2w8XBv+QAAAEoCAAAKACQAAAAAAAAAIICkgQAAAABjbGFpbXMu',
      'Y3N2CgAgAAAAAAABABgAXa/J6Jt93QEAAAAAAAAAAAAAAAAAAAAAUEsFBgAAAAABAAEAXAAAACEB',
      'AAAAAA==',
    ].join(''),
    'base64',
  ),
}
